// NormaliseBytes: bytes become numbers, y = x · scale − offset, in one pass over the memory, which is what limits it.
// TensorFlow's ops, Cast, Mul and Sub, make three over four times as much.
#include "call.h"
#include "hot.h"
#include "team.h"

namespace cifar10 {
namespace {

/** Bytes that a thread takes at a time. */
constexpr std::int64_t kPart = 1 << 16;

HOT void Normalise(const std::uint8_t* x, std::int64_t count, float scale, float offset, float* y) {
  for (std::int64_t i = 0; i < count; i++) y[i] = float(x[i]) * scale - offset;
}

/** Inputs x of any shape, and one number each for scale and offset. */
void ComputeNormalise(void*, TF_OpKernelContext* context) {
  Call call(context);
  const bool fits = call.ok() && call.Elements(1) == 1 && call.Elements(2) == 1;
  if (!call.Require(fits, "NormaliseBytes: expected one number each for scale and offset")) return;
  float* y = call.OutputLike(0, 0);
  if (!y) return;
  Team::shared().runParts(call.Elements(0), kPart, [&](std::int64_t first, std::int64_t end, int) {
    Normalise(call.Bytes(0) + first, end - first, *call.Input(1), *call.Input(2), y + first);
  });
}

[[maybe_unused]] const bool registered =
    Register("NormaliseBytes", {"x: uint8", "scale: float", "offset: float"}, {"y: float"}, &ComputeNormalise);

}  // namespace
}  // namespace cifar10
