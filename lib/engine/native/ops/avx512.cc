// The kernels once more, for AVX-512.
#define CIFAR10_AVX512
#include "linear-update-kernels.cc"
#include "winograd-kernels.cc"
