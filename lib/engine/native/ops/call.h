// What our TensorFlow ops have in common: a friendlier face of TensorFlow's C interface for kernels.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_tensor.h"

namespace cifar10 {

/** In a shape: any size. */
constexpr std::int64_t kAny = -1;
/** The shape of images: [N, H, W, C]. */
inline const std::vector<std::int64_t> kImages{kAny, kAny, kAny, kAny};

/**
 * A call of an op on tensors of floats, or of bytes where it says so. At its end it frees what it took, and tells TensorFlow
 * what went wrong, if anything did.
 */
class Call {
 public:
  explicit Call(TF_OpKernelContext* context)
      : context_(context), inputs_(TF_NumInputs(context)), data_(inputs_.size()) {
    for (int i = 0; i < int(inputs_.size()) && ok(); i++) {
      TF_GetInput(context_, i, &inputs_[i], status_);
      if (ok()) data_[i] = TF_TensorData(inputs_[i]);
    }
  }
  ~Call() {
    if (!ok()) TF_OpKernelContext_Failure(context_, status_);
    for (const auto& tensors : {inputs_, made_})
      for (TF_Tensor* tensor : tensors)
        if (tensor) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }
  Call(const Call&) = delete;

  bool ok() const { return TF_GetCode(status_) == TF_OK; }
  /** Fails the call where a condition does not hold; whether all is well until here. */
  bool Require(bool condition, const char* message) {
    if (ok() && !condition) TF_SetStatus(status_, TF_INVALID_ARGUMENT, message);
    return ok();
  }
  int Size(int input, int axis) const { return int(TF_Dim(inputs_[input], axis)); }
  int Axes(int input) const { return TF_NumDims(inputs_[input]); }
  /** Whether an input has a shape; kAny stands for any size. */
  bool Has(int input, const std::vector<std::int64_t>& shape) const {
    if (!inputs_[input] || Axes(input) != int(shape.size())) return false;
    for (int axis = 0; axis < int(shape.size()); axis++)
      if (shape[axis] != kAny && shape[axis] != Size(input, axis)) return false;
    return true;
  }
  int LastSize(int input) const { return Size(input, Axes(input) - 1); }
  std::int64_t Elements(int input) const { return TF_TensorElementCount(inputs_[input]); }
  const float* Input(int input) const { return static_cast<const float*>(data_[input]); }
  const std::uint8_t* Bytes(int input) const { return static_cast<const std::uint8_t*>(data_[input]); }

  /** Memory for an output; null where there is none. */
  float* Output(int index, const std::vector<std::int64_t>& shape) {
    std::size_t bytes = sizeof(float);
    for (const std::int64_t size : shape) bytes *= size;
    return Made(TF_AllocateOutput(context_, index, TF_FLOAT, shape.data(), int(shape.size()), bytes, status_));
  }
  /** Memory for an output of an input's shape; null where there is none. */
  float* OutputLike(int index, int input) { return Output(index, Shape(input)); }
  /**
   * The same, in the input's own memory where nobody else needs it any more. The input can still be read, its shape no
   * longer.
   */
  float* OutputInPlace(int index, int input) {
    const std::vector<std::int64_t> shape = Shape(input);
    // Memory that we hold, too, would not be given away.
    TF_DeleteTensor(inputs_[input]);
    inputs_[input] = nullptr;
    int taken;
    return Made(TF_ForwardInputOrAllocateOutput(context_, &input, 1, index, shape.data(), int(shape.size()), &taken, status_));
  }
  /** An input as an output, without a copy. */
  void Pass(int index, int input) { TF_SetOutput(context_, index, inputs_[input], status_); }
  /** Memory to work with; null where there is none. */
  float* Scratch(std::size_t floats) {
    const std::int64_t size = std::int64_t(floats);
    TF_AllocatorAttributes attributes{TF_ALLOCATOR_ATTRIBUTES_STRUCT_SIZE, 0};
    return Made(TF_AllocateTemp(context_, TF_FLOAT, &size, 1, &attributes, status_));
  }

 private:
  std::vector<std::int64_t> Shape(int input) const {
    std::vector<std::int64_t> shape(Axes(input));
    for (int axis = 0; axis < int(shape.size()); axis++) shape[axis] = Size(input, axis);
    return shape;
  }
  float* Made(TF_Tensor* tensor) {
    made_.push_back(tensor);
    return ok() ? static_cast<float*>(TF_TensorData(tensor)) : nullptr;
  }

  TF_OpKernelContext* const context_;
  TF_Status* const status_ = TF_NewStatus();
  std::vector<TF_Tensor*> inputs_, made_;
  std::vector<const void*> data_;
};

/**
 * Makes an op known to TensorFlow, for the processor. If this should fail, TensorFlow says so where a graph with the op is
 * loaded.
 * @param inputs, outputs as in “x: float”
 */
inline bool Register(const char* name, std::initializer_list<const char*> inputs,
                     std::initializer_list<const char*> outputs, void (*compute)(void*, TF_OpKernelContext*)) {
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(name);
  for (const char* input : inputs) TF_OpDefinitionBuilderAddInput(op, input);
  for (const char* output : outputs) TF_OpDefinitionBuilderAddOutput(op, output);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, [](TF_ShapeInferenceContext* context, TF_Status* status) {
    TF_ShapeInferenceContextSetUnknownShape(context, status);
  });
  TF_Status* status = TF_NewStatus();
  TF_RegisterOpDefinition(op, status);
  TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", nullptr, compute, nullptr), status);
  const bool isRegistered = TF_GetCode(status) == TF_OK;
  TF_DeleteStatus(status);
  return isRegistered;
}

}  // namespace cifar10
