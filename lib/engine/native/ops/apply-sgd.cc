// ApplySgd: a step of stochastic gradient descent in one pass over the memory, whose bandwidth limits it. TensorFlow's
// own ops would make six.
#include "sgd.h"
#include "simd.h"
#include "thread-pool.h"

namespace cifar10 {
namespace {

/** Parameters that a thread takes at a time: 256 KB of each. */
constexpr std::int64_t kPart = 1 << 16;

/** Calls update(i) for all i below count, on all cores. */
template <typename Update>
void ForAll(std::int64_t count, const Update& update) {
  ThreadPool::Shared().RunParts(count, kPart, [&](std::int64_t first, std::int64_t end, int) {
    for (std::int64_t i = first; i < end; i++) update(i);
  });
}

/** Inputs w, v and g of one shape; scalars lr, momentum, weight decay and nesterov (0 or 1). */
void ComputeApplySgd(OpContext& ctx) {
  const bool fits = ctx.HasShape(1, ctx.ShapeOf(0)) && ctx.HasShape(2, ctx.ShapeOf(0)) && ctx.AreScalars(3);
  if (!ctx.Require(
          fits,
          "ApplySgd: expected a velocity and a gradient of the parameter's shape, and scalars for lr, momentum, "
          "weight decay and nesterov"))
    return;
  if (ctx.ElementCount(0) == 0) {
    ctx.ForwardInput(0, 0);
    ctx.ForwardInput(1, 1);
    return;
  }
  const float *w = ctx.Input(0), *v = ctx.Input(1), *g = ctx.Input(2);
  const Sgd sgd = Sgd::From(ctx, 3);
  float* newW = ctx.OutputLike(0, 0);
  if (!newW) return;
  const std::int64_t count = ctx.ElementCount(0);
  if (sgd.momentum == 0) {
    ctx.ForwardInput(1, 1);
    ForAll(count, [=](std::int64_t i) { newW[i] = w[i] - sgd.lr * (g[i] + sgd.weightDecay * w[i]); });
    return;
  }
  float* newV = ctx.OutputLike(1, 1);
  if (!newV) return;
  if (sgd.nesterov) {
    ForAll(count, [=](std::int64_t i) {
      const float gradient = g[i] + sgd.weightDecay * w[i];
      newV[i] = sgd.momentum * v[i] + gradient;
      newW[i] = w[i] - sgd.lr * (sgd.momentum * newV[i] + gradient);
    });
  } else {
    ForAll(count, [=](std::int64_t i) {
      newV[i] = sgd.momentum * v[i] + (g[i] + sgd.weightDecay * w[i]);
      newW[i] = w[i] - sgd.lr * newV[i];
    });
  }
}

[[maybe_unused]] const bool registered = Register(
    "Cifar10ApplySgd",
    {"w: float", "v: float", "g: float", "lr: float", "momentum: float", "weight_decay: float", "nesterov: float"},
    {"new_w: float", "new_v: float"}, &Kernel<ComputeApplySgd>, &ShapesOf<0, 1>);

}  // namespace
}  // namespace cifar10
