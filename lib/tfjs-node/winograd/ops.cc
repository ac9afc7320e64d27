// winograd.h as TensorFlow ops: Winograd, WinogradBackpropInput and WinogradBackpropFilter, for the processor.
#include <cstdint>
#include <initializer_list>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_tensor.h"
#include "winograd.h"

namespace cifar10 {
namespace {

/** What an op works with. At its end it frees what it took, and tells TensorFlow what went wrong, if anything did. */
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context) {
    TF_GetInput(context_, 0, &tensors_[0], status_);
    if (ok()) TF_GetInput(context_, 1, &tensors_[1], status_);
  }
  ~Call() {
    if (!ok()) TF_OpKernelContext_Failure(context_, status_);
    for (TF_Tensor* tensor : tensors_)
      if (tensor) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }
  Call(const Call&) = delete;

  bool ok() const { return TF_GetCode(status_) == TF_OK; }
  int Size(int input, int axis) const { return int(TF_Dim(tensors_[input], axis)); }
  const float* Input(int input) const { return static_cast<const float*>(TF_TensorData(tensors_[input])); }

  float* Output(std::initializer_list<std::int64_t> shape) {
    std::size_t bytes = sizeof(float);
    for (const std::int64_t size : shape) bytes *= size;
    tensors_[2] = TF_AllocateOutput(context_, 0, TF_FLOAT, shape.begin(), int(shape.size()), bytes, status_);
    return ok() ? static_cast<float*>(TF_TensorData(tensors_[2])) : nullptr;
  }
  float* Scratch(std::size_t floats) {
    const std::int64_t size = std::int64_t(floats);
    TF_AllocatorAttributes attributes{TF_ALLOCATOR_ATTRIBUTES_STRUCT_SIZE, 0};
    tensors_[3] = TF_AllocateTemp(context_, TF_FLOAT, &size, 1, &attributes, status_);
    return ok() ? static_cast<float*>(TF_TensorData(tensors_[3])) : nullptr;
  }

 private:
  TF_OpKernelContext* const context_;
  TF_Status* const status_ = TF_NewStatus();
  /** Two inputs, the output, working memory. */
  TF_Tensor* tensors_[4] = {};
};

/** Inputs x and filter. */
void ComputeForward(void*, TF_OpKernelContext* context) {
  Call call(context);
  if (!call.ok()) return;
  const Convolution c{call.Size(0, 0), call.Size(0, 1), call.Size(0, 2), call.Size(0, 3), call.Size(1, 3)};
  float* y = call.Output({c.images, c.height, c.width, c.outputs});
  float* scratch = y ? call.Scratch(ForwardScratch(c)) : nullptr;
  if (scratch) Forward(c, call.Input(0), call.Input(1), y, scratch);
}

/** Inputs filter and dy. */
void ComputeBackpropInput(void*, TF_OpKernelContext* context) {
  Call call(context);
  if (!call.ok()) return;
  const Convolution c{call.Size(1, 0), call.Size(1, 1), call.Size(1, 2), call.Size(0, 2), call.Size(0, 3)};
  float* dx = call.Output({c.images, c.height, c.width, c.inputs});
  float* scratch = dx ? call.Scratch(BackpropInputScratch(c)) : nullptr;
  if (scratch) BackpropInput(c, call.Input(0), call.Input(1), dx, scratch);
}

/** Inputs x and dy. */
void ComputeBackpropFilter(void*, TF_OpKernelContext* context) {
  Call call(context);
  if (!call.ok()) return;
  const Convolution c{call.Size(0, 0), call.Size(0, 1), call.Size(0, 2), call.Size(0, 3), call.Size(1, 3)};
  float* dfilter = call.Output({3, 3, c.inputs, c.outputs});
  float* scratch = dfilter ? call.Scratch(BackpropFilterScratch(c)) : nullptr;
  if (scratch) BackpropFilter(c, call.Input(0), call.Input(1), dfilter, scratch);
}

/** If this should fail, TensorFlow says so where a graph with the op is loaded. */
void Register(const char* name, const char* first, const char* second, const char* output,
              void (*compute)(void*, TF_OpKernelContext*)) {
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(name);
  for (const char* input : {first, second}) TF_OpDefinitionBuilderAddInput(op, input);
  TF_OpDefinitionBuilderAddOutput(op, output);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, &TF_ShapeInferenceContextSetUnknownShape);
  TF_Status* status = TF_NewStatus();
  TF_RegisterOpDefinition(op, status);
  TF_KernelBuilder* kernel = TF_NewKernelBuilder(name, "CPU", nullptr, compute, nullptr);
  TF_RegisterKernelBuilder(name, kernel, status);
  TF_DeleteStatus(status);
}

[[maybe_unused]] const bool registered = [] {
  Register("Winograd", "x: float", "filter: float", "y: float", &ComputeForward);
  Register("WinogradBackpropInput", "filter: float", "dy: float", "dx: float", &ComputeBackpropInput);
  Register("WinogradBackpropFilter", "x: float", "dy: float", "dfilter: float", &ComputeBackpropFilter);
  return true;
}();

}  // namespace
}  // namespace cifar10
