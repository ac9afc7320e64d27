// What the update of a linear layer spends its time in, for a kind of processor. linear-update-kernels.cc is compiled for each.
#pragma once
#include <cstddef>

#include "sgd.h"

namespace cifar10 {

/** Inputs whose weights are updated at once. */
constexpr int kGroupInputs = 12;
/** Inputs that a thread takes at a time: their columns of x, for some hundred rows, stay in its second cache. */
constexpr int kPartInputs = 8 * kGroupInputs;

struct LinearUpdate {
  std::ptrdiff_t rows, inputs, outputs;
  /** [rows, inputs] and [rows, outputs]. */
  const float *x, *dy;
  /** [inputs, outputs]; newV may be null where there is no momentum. */
  const float *w, *v;
  float *newW, *newV;
  Sgd sgd;
};

struct LinearUpdateKernels {
  /** Copies some rows of dy to panels of 16 columns: [panels, rows, 16]. */
  void (*PackGradients)(const LinearUpdate&, int row, int end, float* packed);
  /** Updates the weights of inputs first … end − 1. `columns` is memory to work with: kPartInputs · rows floats. */
  void (*UpdateInputs)(const LinearUpdate&, const float* packed, int first, int end, float* columns);
};

extern const LinearUpdateKernels kAvx2LinearUpdate, kAvx512LinearUpdate;

}  // namespace cifar10
