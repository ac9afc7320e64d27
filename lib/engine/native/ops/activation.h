// Shared by the op for bias and ReLU and by the batch norm after a ReLU.
#pragma once
#include <cstddef>

namespace cifar10 {

/** dx = dy where y > 0, else 0; dbias = the sum of dx over all rows. Tensors are [rows, channels]; dx may be dy. */
void ReluGradAndBiasGrad(const float* dy, const float* y, std::ptrdiff_t rows, std::ptrdiff_t channels, float* dx,
                         float* dbias);

}  // namespace cifar10
