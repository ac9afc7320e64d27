// BiasRelu and ReluBiasGrad: a layer's bias and ReLU in one pass over the memory, which is what limits them, and so their
// gradients. TensorFlow's own ops make two passes each way, and one of them is slow.
#include "activation.h"

#include "call.h"
#include "hot.h"
#include "pixels.h"
#include "team.h"

namespace cifar10 {

HOT void CutAndSum(const float* dy, const float* y, std::ptrdiff_t pixels, std::ptrdiff_t channels, float* dx, float* sum) {
  for (std::ptrdiff_t c = 0; c < channels; c++) sum[c] = 0;
  for (std::ptrdiff_t p = 0; p < pixels; p++) {
    APART for (std::ptrdiff_t c = 0; c < channels; c++) {
      const float d = y[p * channels + c] > 0 ? dy[p * channels + c] : 0;
      dx[p * channels + c] = d;
      sum[c] += d;
    }
  }
}

namespace {

/** y = max(x + bias, 0); what is no number stays none. */
HOT void AddAndCut(const float* x, const float* bias, std::ptrdiff_t pixels, std::ptrdiff_t channels, float* y) {
  for (std::ptrdiff_t p = 0; p < pixels; p++) {
    APART for (std::ptrdiff_t c = 0; c < channels; c++) {
      const float sum = x[p * channels + c] + bias[c];
      y[p * channels + c] = sum < 0 ? 0 : sum;
    }
  }
}

/** Inputs x [..., C] and bias [C]. */
void ComputeBiasRelu(void*, TF_OpKernelContext* context) {
  Call call(context);
  const bool fits = call.ok() && call.Axes(0) > 0 && call.Has(1, {call.LastSize(0)}) && call.Elements(1) > 0;
  if (!call.Require(fits, "BiasRelu: expected a bias for each channel of x, which is its last axis")) return;
  const Pixels all(call.Elements(0), call.Elements(1));
  float* y = call.OutputInPlace(0, 0);
  if (!y) return;
  Team::shared().run(all.parts, [&](int part, int) {
    const std::ptrdiff_t at = all.Before(part);
    AddAndCut(call.Input(0) + at, call.Input(1), all.Height(part), all.channels, y + at);
  });
}

/** Inputs dy and y [..., C]. */
void ComputeReluBiasGrad(void*, TF_OpKernelContext* context) {
  Call call(context);
  const bool fits = call.ok() && call.Axes(1) > 0 && call.LastSize(1) > 0 && call.Elements(0) == call.Elements(1);
  if (!call.Require(fits, "ReluBiasGrad: expected dy and y of one shape [..., C]")) return;
  const Pixels all(call.Elements(1), call.LastSize(1));
  float* dx = call.OutputInPlace(0, 0);
  float* dbias = dx ? call.Output(1, {all.channels}) : nullptr;
  float* sums = dbias ? call.Scratch(all.parts * all.channels) : nullptr;
  if (!sums) return;
  Team::shared().run(all.parts, [&](int part, int) {
    const std::ptrdiff_t at = all.Before(part);
    CutAndSum(call.Input(0) + at, call.Input(1) + at, all.Height(part), all.channels, dx + at, sums + part * all.channels);
  });
  AddParts(sums, all, dbias);
}

[[maybe_unused]] const bool registered[] = {
    Register("BiasRelu", {"x: float", "bias: float"}, {"y: float"}, &ComputeBiasRelu),
    Register("ReluBiasGrad", {"dy: float", "y: float"}, {"dx: float", "dbias: float"}, &ComputeReluBiasGrad),
};

}  // namespace
}  // namespace cifar10
