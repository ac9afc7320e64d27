// BiasRelu and BiasReluGrad: a layer's bias and ReLU, and their gradients, in one pass over the memory, whose bandwidth
// limits them. TensorFlow's own ops make two passes each way, one of them slow.
#include "activation.h"

#include "op-context.h"
#include "row-partition.h"
#include "simd.h"
#include "thread-pool.h"

namespace cifar10 {

CIFAR10_SIMD void ReluGradAndBiasGrad(const float* dy, const float* y, std::ptrdiff_t rows, std::ptrdiff_t channels,
                                      float* dx, float* dbias) {
  for (std::ptrdiff_t c = 0; c < channels; c++) dbias[c] = 0;
  for (std::ptrdiff_t r = 0; r < rows; r++) {
    CIFAR10_IVDEP for (std::ptrdiff_t c = 0; c < channels; c++) {
      const float d = y[r * channels + c] > 0 ? dy[r * channels + c] : 0;
      dx[r * channels + c] = d;
      dbias[c] += d;
    }
  }
}

namespace {

/** y = max(x + bias, 0); NaN propagates. */
CIFAR10_SIMD void BiasRelu(const float* x, const float* bias, std::ptrdiff_t rows, std::ptrdiff_t channels, float* y) {
  for (std::ptrdiff_t r = 0; r < rows; r++) {
    CIFAR10_IVDEP for (std::ptrdiff_t c = 0; c < channels; c++) {
      const float sum = x[r * channels + c] + bias[c];
      y[r * channels + c] = sum < 0 ? 0 : sum;
    }
  }
}

/** Inputs x [..., C] and bias [C]. */
void ComputeBiasRelu(OpContext& ctx) {
  const bool fits = ctx.Rank(0) > 0 && ctx.HasShape(1, {ctx.LastDim(0)}) && ctx.ElementCount(1) > 0;
  if (!ctx.Require(fits, "BiasRelu: expected x [..., C] and a bias [C]")) return;
  const RowPartition rows(ctx.ElementCount(0), ctx.ElementCount(1));
  float* y = ctx.OutputInPlace(0, 0);
  if (!y) return;
  ThreadPool::Shared().Run(rows.parts, [&](int part, int) {
    const std::ptrdiff_t at = rows.Offset(part);
    BiasRelu(ctx.Input(0) + at, ctx.Input(1), rows.Rows(part), rows.channels, y + at);
  });
}

/** Inputs dy and y [..., C]. */
void ComputeBiasReluGrad(OpContext& ctx) {
  const bool fits = ctx.Rank(1) > 0 && ctx.ElementCount(1) > 0 && ctx.HasShape(0, ctx.ShapeOf(1));
  if (!ctx.Require(fits, "BiasReluGrad: expected dy and y of one shape [..., C], not empty")) return;
  const RowPartition rows(ctx.ElementCount(1), ctx.LastDim(1));
  float* dx = ctx.OutputInPlace(0, 0);
  float* dbias = dx ? ctx.Output(1, {rows.channels}) : nullptr;
  float* sums = dbias ? ctx.Scratch(rows.parts * rows.channels) : nullptr;
  if (!sums) return;
  ThreadPool::Shared().Run(rows.parts, [&](int part, int) {
    const std::ptrdiff_t at = rows.Offset(part);
    ReluGradAndBiasGrad(ctx.Input(0) + at, ctx.Input(1) + at, rows.Rows(part), rows.channels, dx + at,
                        sums + part * rows.channels);
  });
  SumParts(sums, rows, dbias);
}

[[maybe_unused]] const bool registered[] = {
    Register("Cifar10BiasRelu", {"x: float", "bias: float"}, {"y: float"}, &Kernel<ComputeBiasRelu>, &ShapesOf<0>),
    Register("Cifar10BiasReluGrad", {"dy: float", "y: float"}, {"dx: float", "dbias: float"},
             &Kernel<ComputeBiasReluGrad>, &ShapesOf<0, kUnknown>),
};

}  // namespace
}  // namespace cifar10
