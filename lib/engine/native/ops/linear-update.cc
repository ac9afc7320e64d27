// LinearSgdUpdate: a step of stochastic gradient descent for the weights of a linear layer, of which only the gradient's
// factors are given. The gradient itself, xᵀ · dy, is as large as the weights; here it never leaves the first cache.
#include "lanes.h"
#include "linear-update-kernels.h"
#include "processor.h"
#include "team.h"

namespace cifar10 {
namespace {

const LinearUpdateKernels& kernels() {
  static const LinearUpdateKernels& best = HasAvx512() ? kAvx512LinearUpdate : kAvx2LinearUpdate;
  return best;
}

/** Rows of dy that a thread packs at a time. */
constexpr int kPartRows = 32;

/** Inputs x [rows, inputs] and dy [rows, outputs], w and v [inputs, outputs], and lr, momentum and weight decay. */
void ComputeUpdate(void*, TF_OpKernelContext* context) {
  Call call(context);
  const bool fits = call.Has(0, {kAny, kAny}) && call.Has(1, {call.Size(0, 0), kAny}) && call.Size(0, 0) > 0 &&
                    call.Size(1, 1) % kLanes == 0 && call.Has(2, {call.Size(0, 1), call.Size(1, 1)}) &&
                    call.Has(3, {call.Size(0, 1), call.Size(1, 1)}) && HasSgd(call, 4);
  if (!call.Require(fits, "LinearSgdUpdate: expected x [rows, inputs], dy [rows, outputs], outputs a multiple of 16, weights "
                          "and a velocity [inputs, outputs], and one number each for lr, momentum and weight decay"))
    return;
  LinearUpdate u{call.Size(0, 0), call.Size(0, 1), call.Size(1, 1), call.Input(0), call.Input(1),
                 call.Input(2),   call.Input(3),   nullptr,         nullptr,       SgdOf(call, 4)};
  u.newW = call.OutputLike(0, 2);
  if (u.newW && u.sgd.momentum != 0) u.newV = call.OutputLike(1, 3);
  Team& team = Team::shared();
  const std::size_t packedFloats = u.rows * u.outputs, partFloats = u.rows * kPartInputs;
  float* packed = call.ok() ? call.Scratch(packedFloats + team.size() * partFloats) : nullptr;
  if (!packed) return;
  if (!u.newV) call.Pass(1, 3);
  team.runParts(u.rows, kPartRows, [&](int row, int end, int) { kernels().PackGradients(u, row, end, packed); });
  team.runParts(u.inputs, kPartInputs, [&](int first, int end, int worker) {
    kernels().UpdateInputs(u, packed, first, end, packed + packedFloats + worker * partFloats);
  });
}

[[maybe_unused]] const bool registered = Register(
    "LinearSgdUpdate",
    {"x: float", "dy: float", "w: float", "v: float", "lr: float", "momentum: float", "weight_decay: float"},
    {"new_w: float", "new_v: float"}, &ComputeUpdate);

}  // namespace
}  // namespace cifar10
