// The kernels once more, for AVX-512.
#define CIFAR10_AVX512
#include "fused-matmul-sgd-kernels.cc"
#include "winograd-kernels.cc"
