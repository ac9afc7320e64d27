// The kernels of FusedMatMulSgd; fused-matmul-sgd-kernels.cc is compiled once for each instruction set.
#pragma once
#include <cstddef>

#include "sgd.h"

namespace cifar10 {

/** Inputs whose weights are updated at once; a multiple of each kMr in gemm.h. */
constexpr int kGroupInputs = 12;
/** Inputs that a thread takes at a time: their columns of x, for some hundred rows, stay in L2. */
constexpr int kPartInputs = 8 * kGroupInputs;

struct FusedMatMulSgd {
  std::ptrdiff_t rows, inputs, outputs;
  /** [rows, inputs] and [rows, outputs]. */
  const float *x, *dy;
  /** [inputs, outputs]; newV is null if momentum is 0. */
  const float *w, *v;
  float *newW, *newV;
  Sgd sgd;
};

struct FusedMatMulSgdKernels {
  /** Packs rows row … end − 1 of dy into panels of 16 columns: [panels, rows, 16]. */
  void (*PackGradients)(const FusedMatMulSgd&, int row, int end, float* packed);
  /** Updates the weights of inputs first … end − 1. `columns` is scratch memory: kPartInputs · rows floats. */
  void (*UpdateInputs)(const FusedMatMulSgd&, const float* packed, int first, int end, float* columns);
};

extern const FusedMatMulSgdKernels kAvx2FusedMatMulSgd, kAvx512FusedMatMulSgd;

}  // namespace cifar10
