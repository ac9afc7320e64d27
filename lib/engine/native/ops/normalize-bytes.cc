// NormalizeBytes: y = x · scale − offset for bytes x, in one pass over the memory, whose bandwidth limits it.
// TensorFlow's ops (Cast, Mul, Sub) make three passes over four times as much.
#include "op-context.h"
#include "simd.h"
#include "thread-pool.h"

namespace cifar10 {
namespace {

/** Bytes that a thread takes at a time. */
constexpr std::int64_t kPart = 1 << 16;

CIFAR10_SIMD void Normalize(const std::uint8_t* x, std::int64_t count, float scale, float offset, float* y) {
  for (std::int64_t i = 0; i < count; i++) y[i] = float(x[i]) * scale - offset;
}

/** Inputs x of any shape, and scalars for scale and offset. */
void ComputeNormalize(OpContext& ctx) {
  if (!ctx.Require(ctx.AreScalars(1), "NormalizeBytes: expected scalars for scale and offset")) return;
  float* y = ctx.OutputLike(0, 0);
  if (!y) return;
  ThreadPool::Shared().RunParts(ctx.ElementCount(0), kPart, [&](std::int64_t first, std::int64_t end, int) {
    Normalize(ctx.Bytes(0) + first, end - first, ctx.Scalar(1), ctx.Scalar(2), y + first);
  });
}

[[maybe_unused]] const bool registered =
    Register("Cifar10NormalizeBytes", {"x: uint8", "scale: float", "offset: float"}, {"y: float"},
             &Kernel<ComputeNormalize>, &ShapesOf<0>);

}  // namespace
}  // namespace cifar10
