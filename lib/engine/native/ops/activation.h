// What a batch norm shares with the ReLU before it.
#pragma once
#include <cstddef>

namespace cifar10 {

/** dx = dy where y > 0, else 0; and its sum for each channel. dx may be dy. */
void CutAndSum(const float* dy, const float* y, std::ptrdiff_t pixels, std::ptrdiff_t channels, float* dx, float* sum);

}  // namespace cifar10
