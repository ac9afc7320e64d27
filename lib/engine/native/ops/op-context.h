// RAII wrapper over TensorFlow's C kernel API, and the registration of ops. All tensors are float32, or uint8 where an
// op says so.
#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "../isa.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_tensor.h"

namespace cifar10 {

using Shape = std::vector<std::int64_t>;

/** In an expected shape: any size. */
constexpr std::int64_t kAny = -1;
/** [N, H, W, C] */
inline const Shape kImages{kAny, kAny, kAny, kAny};

/** One execution of an op: its inputs, outputs and status. The destructor frees all tensors and reports the status. */
class OpContext {
 public:
  explicit OpContext(TF_OpKernelContext* context)
      : context_(context), inputs_(TF_NumInputs(context)), data_(inputs_.size()) {
    for (int i = 0; i < int(inputs_.size()) && ok(); i++) {
      TF_GetInput(context_, i, &inputs_[i], status_);
      if (ok()) data_[i] = TF_TensorData(inputs_[i]);
    }
  }
  ~OpContext() {
    if (!ok()) TF_OpKernelContext_Failure(context_, status_);
    for (const auto* tensors : {&inputs_, &allocated_})
      for (TF_Tensor* tensor : *tensors)
        if (tensor) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }
  OpContext(const OpContext&) = delete;
  OpContext& operator=(const OpContext&) = delete;

  bool ok() const { return TF_GetCode(status_) == TF_OK; }
  /** Fails the op with `message` unless the condition holds. Returns ok(). */
  bool Require(bool condition, const char* message, TF_Code code = TF_INVALID_ARGUMENT) {
    if (ok() && !condition) TF_SetStatus(status_, code, message);
    return ok();
  }

  int Rank(int input) const { return TF_NumDims(inputs_[input]); }
  std::int64_t Dim(int input, int axis) const { return TF_Dim(inputs_[input], axis); }
  std::int64_t LastDim(int input) const { return Dim(input, Rank(input) - 1); }
  std::int64_t ElementCount(int input) const { return TF_TensorElementCount(inputs_[input]); }
  Shape ShapeOf(int input) const {
    Shape shape(Rank(input));
    for (int axis = 0; axis < int(shape.size()); axis++) shape[axis] = Dim(input, axis);
    return shape;
  }
  /** Whether an input has this shape; kAny matches any size. */
  bool HasShape(int input, const Shape& shape) const {
    if (Rank(input) != int(shape.size())) return false;
    for (int axis = 0; axis < int(shape.size()); axis++)
      if (shape[axis] != kAny && shape[axis] != Dim(input, axis)) return false;
    return true;
  }
  /** Whether each of the inputs from `first` on is a single number. */
  bool AreScalars(int first) const {
    for (int input = first; input < int(inputs_.size()); input++)
      if (ElementCount(input) != 1) return false;
    return true;
  }

  const float* Input(int input) const { return static_cast<const float*>(data_[input]); }
  float Scalar(int input) const { return *Input(input); }
  const std::uint8_t* Bytes(int input) const { return static_cast<const std::uint8_t*>(data_[input]); }

  /** Allocates an output; null on failure. */
  float* Output(int index, const Shape& shape) {
    std::size_t bytes = sizeof(float);
    for (const std::int64_t size : shape) bytes *= size;
    return Keep(TF_AllocateOutput(context_, index, TF_FLOAT, shape.data(), int(shape.size()), bytes, status_));
  }
  float* OutputLike(int index, int input) { return Output(index, ShapeOf(input)); }
  /**
   * As OutputLike, but in the input's own memory if this op is its last user. Afterwards the input's values can still
   * be read, its shape can't.
   */
  float* OutputInPlace(int index, int input) {
    const Shape shape = ShapeOf(input);
    // TensorFlow does not give away memory to which we hold a reference.
    TF_DeleteTensor(inputs_[input]);
    inputs_[input] = nullptr;
    int forwarded;
    return Keep(TF_ForwardInputOrAllocateOutput(context_, &input, 1, index, shape.data(), int(shape.size()), &forwarded,
                                                status_));
  }
  /** Makes an input an output without a copy. */
  void ForwardInput(int index, int input) { TF_SetOutput(context_, index, inputs_[input], status_); }
  /** Temporary memory; null on failure. */
  float* Scratch(std::size_t floats) {
    const std::int64_t size = std::int64_t(floats);
    TF_AllocatorAttributes attributes{TF_ALLOCATOR_ATTRIBUTES_STRUCT_SIZE, 0};
    return Keep(TF_AllocateTemp(context_, TF_FLOAT, &size, 1, &attributes, status_));
  }

 private:
  float* Keep(TF_Tensor* tensor) {
    allocated_.push_back(tensor);
    return ok() ? static_cast<float*>(TF_TensorData(tensor)) : nullptr;
  }

  TF_OpKernelContext* const context_;
  TF_Status* const status_ = TF_NewStatus();
  std::vector<TF_Tensor*> inputs_, allocated_;
  std::vector<const void*> data_;
};

/** A kernel in TensorFlow's form: calls `compute` once it has all inputs, on a CPU that it was compiled for. */
template <void (*compute)(OpContext&)>
void Kernel(void*, TF_OpKernelContext* context) {
  OpContext ctx(context);
  if (ctx.Require(BestIsa() >= Isa::kAvx2, "this op needs a CPU with AVX2 and FMA", TF_UNIMPLEMENTED)) compute(ctx);
}

/** In ShapesOf: an output whose shape is no input's. */
constexpr int kUnknown = -1;

/** Shape inference: output i has the shape of the i-th of these inputs. */
template <int... inputs>
void ShapesOf(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
  TF_ShapeHandle* shape = TF_NewShapeHandle();
  int output = 0;
  for (const int input : {inputs...}) {
    if (input != kUnknown) {
      TF_ShapeInferenceContextGetInput(context, input, shape, status);
      TF_ShapeInferenceContextSetOutput(context, output, shape, status);
    }
    output++;
  }
  TF_DeleteShapeHandle(shape);
}

/**
 * Registers an op and its CPU kernel. Op names are global in TensorFlow, hence their prefix. If this fails, TensorFlow
 * reports it when a graph with the op is loaded.
 * @param inputs, outputs as in "x: float"
 */
inline bool Register(const char* name, std::initializer_list<const char*> inputs,
                     std::initializer_list<const char*> outputs, void (*kernel)(void*, TF_OpKernelContext*),
                     void (*shapes)(TF_ShapeInferenceContext*, TF_Status*)) {
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(name);
  for (const char* input : inputs) TF_OpDefinitionBuilderAddInput(op, input);
  for (const char* output : outputs) TF_OpDefinitionBuilderAddOutput(op, output);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, shapes);
  TF_Status* status = TF_NewStatus();
  TF_RegisterOpDefinition(op, status);
  TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", nullptr, kernel, nullptr), status);
  const bool isRegistered = TF_GetCode(status) == TF_OK;
  TF_DeleteStatus(status);
  return isRegistered;
}

}  // namespace cifar10
