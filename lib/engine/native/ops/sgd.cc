// SgdUpdate: a step of stochastic gradient descent in one pass over the memory, which is what limits it. TensorFlow's own
// ops would make six. Without momentum, the velocity is left alone, as in PyTorch's SGD.
#include "sgd.h"

#include "team.h"

namespace cifar10 {
namespace {

/** Parameters that a thread takes at a time: 256 KB of each. */
constexpr std::int64_t kPart = 1 << 16;

/** Calls each(i) for all i below count, on all cores. */
template <typename Each>
void ForAll(std::int64_t count, const Each& each) {
  Team::shared().runParts(count, kPart, [&](std::int64_t first, std::int64_t end, int) {
    for (std::int64_t i = first; i < end; i++) each(i);
  });
}

/** Inputs w, v and g of one shape, and one number each for lr, momentum and weight decay. */
void ComputeUpdate(void*, TF_OpKernelContext* context) {
  Call call(context);
  const bool fits =
      call.ok() && call.Elements(1) == call.Elements(0) && call.Elements(2) == call.Elements(0) && HasSgd(call, 3);
  if (!call.Require(fits, "SGD: expected a velocity and a gradient of the parameter's size, and one number each for lr, "
                          "momentum and weight decay"))
    return;
  const float *w = call.Input(0), *v = call.Input(1), *g = call.Input(2);
  const Sgd sgd = SgdOf(call, 3);
  float* newW = call.OutputLike(0, 0);
  if (!newW) return;
  const std::int64_t count = call.Elements(0);
  if (sgd.momentum == 0) {
    call.Pass(1, 1);
    ForAll(count, [=](std::int64_t i) { newW[i] = w[i] - sgd.lr * (g[i] + sgd.weightDecay * w[i]); });
    return;
  }
  float* newV = call.OutputLike(1, 1);
  if (!newV) return;
  ForAll(count, [=](std::int64_t i) {
    newV[i] = sgd.momentum * v[i] + (g[i] + sgd.weightDecay * w[i]);
    newW[i] = w[i] - sgd.lr * newV[i];
  });
}

[[maybe_unused]] const bool registered = Register(
    "SgdUpdate", {"w: float", "v: float", "g: float", "lr: float", "momentum: float", "weight_decay: float"},
    {"new_w: float", "new_v: float"}, &ComputeUpdate);

}  // namespace
}  // namespace cifar10
