// SgdUpdate: a step of stochastic gradient descent in one pass over the memory, which is what limits it. TensorFlow's own
// ops would make six.
#include <algorithm>

#include "call.h"
#include "team.h"

namespace cifar10 {
namespace {

/** Parameters that a thread takes at a time: 256 KB of each. */
constexpr std::int64_t kPart = 1 << 16;

/** g ← g + weightDecay·w;  v ← momentum·v + g;  w ← w − lr·v */
void ComputeUpdate(void*, TF_OpKernelContext* context) {
  Call call(context);
  if (!call.ok()) return;
  const float *w = call.Input(0), *v = call.Input(1), *g = call.Input(2);
  const float lr = *call.Input(3), momentum = *call.Input(4), weightDecay = *call.Input(5);
  float* newW = call.OutputLike(0, 0);
  float* newV = newW ? call.OutputLike(1, 1) : nullptr;
  if (!newV) return;
  const std::int64_t count = call.Elements(0);
  Team::shared().run(int((count + kPart - 1) / kPart), [&](int part, int) {
    const std::int64_t end = std::min(count, (part + 1) * kPart);
    for (std::int64_t i = part * kPart; i < end; i++) {
      const float velocity = momentum * v[i] + (g[i] + weightDecay * w[i]);
      newV[i] = velocity;
      newW[i] = w[i] - lr * velocity;
    }
  });
}

[[maybe_unused]] const bool registered = Register(
    "SgdUpdate", {"w: float", "v: float", "g: float", "lr: float", "momentum: float", "weight_decay: float"},
    {"new_w: float", "new_v: float"}, &ComputeUpdate);

}  // namespace
}  // namespace cifar10
