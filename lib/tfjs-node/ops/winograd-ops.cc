// winograd.h as TensorFlow ops: Winograd, WinogradBackpropInput and WinogradBackpropFilter.
#include "call.h"
#include "winograd.h"

namespace cifar10 {
namespace {

/** Inputs x and filter. */
void ComputeForward(void*, TF_OpKernelContext* context) {
  Call call(context);
  if (!call.ok()) return;
  const Convolution c{call.Size(0, 0), call.Size(0, 1), call.Size(0, 2), call.Size(0, 3), call.Size(1, 3)};
  float* y = call.Output(0, {c.images, c.height, c.width, c.outputs});
  float* scratch = y ? call.Scratch(ForwardScratch(c)) : nullptr;
  if (scratch) Forward(c, call.Input(0), call.Input(1), y, scratch);
}

/** Inputs filter and dy. */
void ComputeBackpropInput(void*, TF_OpKernelContext* context) {
  Call call(context);
  if (!call.ok()) return;
  const Convolution c{call.Size(1, 0), call.Size(1, 1), call.Size(1, 2), call.Size(0, 2), call.Size(0, 3)};
  float* dx = call.Output(0, {c.images, c.height, c.width, c.inputs});
  float* scratch = dx ? call.Scratch(BackpropInputScratch(c)) : nullptr;
  if (scratch) BackpropInput(c, call.Input(0), call.Input(1), dx, scratch);
}

/** Inputs x and dy. */
void ComputeBackpropFilter(void*, TF_OpKernelContext* context) {
  Call call(context);
  if (!call.ok()) return;
  const Convolution c{call.Size(0, 0), call.Size(0, 1), call.Size(0, 2), call.Size(0, 3), call.Size(1, 3)};
  float* dfilter = call.Output(0, {3, 3, c.inputs, c.outputs});
  float* scratch = dfilter ? call.Scratch(BackpropFilterScratch(c)) : nullptr;
  if (scratch) BackpropFilter(c, call.Input(0), call.Input(1), dfilter, scratch);
}

[[maybe_unused]] const bool registered[] = {
    Register("Winograd", {"x: float", "filter: float"}, {"y: float"}, &ComputeForward),
    Register("WinogradBackpropInput", {"filter: float", "dy: float"}, {"dx: float"}, &ComputeBackpropInput),
    Register("WinogradBackpropFilter", {"x: float", "dy: float"}, {"dfilter: float"}, &ComputeBackpropFilter),
};

}  // namespace
}  // namespace cifar10
