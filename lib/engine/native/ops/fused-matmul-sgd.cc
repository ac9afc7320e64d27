// FusedMatMulSgd: a step of stochastic gradient descent for the weights of a linear layer, given the factors of their
// gradient. The gradient itself, xᵀ · dy, is as large as the weights; here it never leaves L1.
#include "../isa.h"
#include "f32x16.h"
#include "fused-matmul-sgd-kernels.h"
#include "thread-pool.h"

namespace cifar10 {
namespace {

const FusedMatMulSgdKernels& kernels() {
  static const FusedMatMulSgdKernels& best = BestIsa() >= Isa::kAvx512 ? kAvx512FusedMatMulSgd : kAvx2FusedMatMulSgd;
  return best;
}

/** Rows of dy that a thread packs at a time. */
constexpr int kPartRows = 32;

/** Inputs x [rows, inputs] and dy [rows, outputs], w and v [inputs, outputs]; scalars as ApplySgd's. */
void ComputeFusedMatMulSgd(OpContext& ctx) {
  const bool areMatrices = ctx.HasShape(0, {kAny, kAny}) && ctx.HasShape(1, {kAny, kAny});
  const bool fits = areMatrices && ctx.Dim(0, 0) == ctx.Dim(1, 0) && ctx.ElementCount(0) > 0 &&
                    ctx.ElementCount(1) > 0 && ctx.Dim(1, 1) % kLanes == 0 &&
                    ctx.HasShape(2, {ctx.Dim(0, 1), ctx.Dim(1, 1)}) && ctx.HasShape(3, ctx.ShapeOf(2)) &&
                    ctx.AreScalars(4);
  if (!ctx.Require(
          fits,
          "FusedMatMulSgd: expected x [rows, inputs], dy [rows, outputs], not empty, outputs a multiple of 16, weights "
          "and a velocity [inputs, outputs], and scalars for lr, momentum, weight decay and nesterov"))
    return;
  FusedMatMulSgd u{ctx.Dim(0, 0), ctx.Dim(0, 1), ctx.Dim(1, 1), ctx.Input(0), ctx.Input(1),
                   ctx.Input(2),  ctx.Input(3),  nullptr,       nullptr,      Sgd::From(ctx, 4)};
  u.newW = ctx.OutputLike(0, 2);
  if (u.newW && u.sgd.momentum != 0) u.newV = ctx.OutputLike(1, 3);
  ThreadPool& pool = ThreadPool::Shared();
  const std::size_t packedFloats = u.rows * u.outputs, partFloats = u.rows * kPartInputs;
  float* packed = ctx.ok() ? ctx.Scratch(packedFloats + pool.size() * partFloats) : nullptr;
  if (!packed) return;
  if (!u.newV) ctx.ForwardInput(1, 3);
  pool.RunParts(u.rows, kPartRows, [&](int row, int end, int) { kernels().PackGradients(u, row, end, packed); });
  pool.RunParts(u.inputs, kPartInputs, [&](int first, int end, int worker) {
    kernels().UpdateInputs(u, packed, first, end, packed + packedFloats + worker * partFloats);
  });
}

[[maybe_unused]] const bool registered =
    Register("Cifar10FusedMatMulSgd",
             {"x: float", "dy: float", "w: float", "v: float", "lr: float", "momentum: float", "weight_decay: float",
              "nesterov: float"},
             {"new_w: float", "new_v: float"}, &Kernel<ComputeFusedMatMulSgd>, &ShapesOf<2, 3>);

}  // namespace
}  // namespace cifar10
