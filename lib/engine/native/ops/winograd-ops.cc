// winograd.h as TensorFlow ops: Winograd, WinogradBiasRelu, WinogradBackpropInput and WinogradBackpropFilter.
#include "call.h"
#include "lanes.h"
#include "winograd.h"

namespace cifar10 {
namespace {

const std::vector<std::int64_t> kFilter{3, 3, kAny, kAny};

/** Fails a call unless its inputs have the right number of axes, so that their sizes can be asked for. */
bool Are(Call& call, const std::vector<std::int64_t>& first, const std::vector<std::int64_t>& second) {
  return call.Require(call.Has(0, first) && call.Has(1, second),
                      "Winograd: expected images [N, H, W, C] and weights [3, 3, inputs, outputs]");
}

/** Fails a call unless its inputs belong to one convolution, and its channels fill the vectors. */
bool Fits(Call& call, const Convolution& c, bool isOne) {
  const bool isFull = c.inputs > 0 && c.inputs % kLanes == 0 && c.outputs > 0 && c.outputs % kLanes == 0;
  return call.Require(isOne && isFull,
                      "Winograd: expected inputs that fit each other, with numbers of channels that are multiples of 16");
}

/** Inputs x and filter, and with a bias and ReLU after it, the bias. */
template <bool hasBias>
void ComputeForward(void*, TF_OpKernelContext* context) {
  Call call(context);
  if (!Are(call, kImages, kFilter)) return;
  const Convolution c{call.Size(0, 0), call.Size(0, 1), call.Size(0, 2), call.Size(0, 3), call.Size(1, 3)};
  if (!Fits(call, c, c.inputs == call.Size(1, 2) && (!hasBias || call.Has(2, {c.outputs})))) return;
  float* y = call.Output(0, {c.images, c.height, c.width, c.outputs});
  float* scratch = y ? call.Scratch(ForwardScratch(c)) : nullptr;
  if (scratch) Forward(c, call.Input(0), call.Input(1), hasBias ? call.Input(2) : nullptr, y, scratch);
}

/** Inputs filter and dy. */
void ComputeBackpropInput(void*, TF_OpKernelContext* context) {
  Call call(context);
  if (!Are(call, kFilter, kImages)) return;
  const Convolution c{call.Size(1, 0), call.Size(1, 1), call.Size(1, 2), call.Size(0, 2), call.Size(0, 3)};
  if (!Fits(call, c, c.outputs == call.Size(1, 3))) return;
  float* dx = call.Output(0, {c.images, c.height, c.width, c.inputs});
  float* scratch = dx ? call.Scratch(BackpropInputScratch(c)) : nullptr;
  if (scratch) BackpropInput(c, call.Input(0), call.Input(1), dx, scratch);
}

/** Inputs x and dy. */
void ComputeBackpropFilter(void*, TF_OpKernelContext* context) {
  Call call(context);
  if (!Are(call, kImages, kImages)) return;
  const Convolution c{call.Size(0, 0), call.Size(0, 1), call.Size(0, 2), call.Size(0, 3), call.Size(1, 3)};
  if (!Fits(call, c, call.Has(1, {c.images, c.height, c.width, kAny}))) return;
  float* dfilter = call.Output(0, {3, 3, c.inputs, c.outputs});
  float* scratch = dfilter ? call.Scratch(BackpropFilterScratch(c)) : nullptr;
  if (scratch) BackpropFilter(c, call.Input(0), call.Input(1), dfilter, scratch);
}

[[maybe_unused]] const bool registered[] = {
    Register("Winograd", {"x: float", "filter: float"}, {"y: float"}, &ComputeForward<false>),
    Register("WinogradBiasRelu", {"x: float", "filter: float", "bias: float"}, {"y: float"}, &ComputeForward<true>),
    Register("WinogradBackpropInput", {"filter: float", "dy: float"}, {"dx: float"}, &ComputeBackpropInput),
    Register("WinogradBackpropFilter", {"x: float", "dy: float"}, {"dfilter: float"}, &ComputeBackpropFilter),
};

}  // namespace
}  // namespace cifar10
