// The micro-kernel of matrix products: a block of C that stays in the vector registers. Matrix products and Winograd's
// convolutions spend their time in it. Names as in Goto and van de Geijn, "Anatomy of High-Performance Matrix
// Multiplication" (2008), and BLIS.
#pragma once
#include <cstddef>

#include "f32x16.h"

namespace cifar10 {
// Each file has its own copy, compiled for its instruction set.
namespace {

#ifdef CIFAR10_AVX512
/** Rows of C, and panels of 16 columns: 12×32 sums fill 24 of the 32 vector registers. */
constexpr int kMr = 12, kNr = 2;
#else
/** Rows of C, and panels of 16 columns: 6×16 sums fill 12 of the 16 vector registers. */
constexpr int kMr = 6, kNr = 1;
#endif

/**
 * C[mr, nr · 16] = Σ A[mr, kc] · B[kc, nr · 16] over `blocks` pairs of A and B, blockA and blockB floats apart. Element
 * (r, k) of A is at r · rsA + k · csA. B and C are panels of 16 columns; panels are ldb and ldc floats apart. With
 * `accumulate`, the sum is added to C at the end: a sum of a few sums has a smaller rounding error than one long sum.
 */
template <int mr, int nr, int rsA, int csA>
CIFAR10_SIMD_INLINE void MultiplyBlock(int blocks, int kc, const float* a, std::size_t blockA, const float* b,
                                       std::size_t blockB, std::size_t ldb, float* c, std::size_t ldc,
                                       bool accumulate) {
  F32x16 sum[mr][nr];
  for (int r = 0; r < mr; r++)
    for (int q = 0; q < nr; q++) sum[r][q] = F32x16{};
  for (int block = 0; block < blocks; block++, a += blockA, b += blockB) {
    for (int k = 0; k < kc; k++) {
      F32x16 right[nr];
      for (int q = 0; q < nr; q++) right[q] = Load(b + q * ldb + k * kLanes);
      // Clang would keep the sums in memory otherwise.
#pragma GCC unroll 16
      for (int r = 0; r < mr; r++)
        for (int q = 0; q < nr; q++) sum[r][q] = sum[r][q] + a[r * rsA + k * csA] * right[q];
    }
  }
  for (int r = 0; r < mr; r++) {
    for (int q = 0; q < nr; q++) {
      float* to = c + q * ldc + r * kLanes;
      Store(to, accumulate ? Load(to) + sum[r][q] : sum[r][q]);
    }
  }
}

}  // namespace
}  // namespace cifar10
