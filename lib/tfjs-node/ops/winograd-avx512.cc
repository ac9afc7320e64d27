// winograd-kernels.cc once more, for AVX-512.
#define CIFAR10_AVX512
#include "winograd-kernels.cc"
