// The micro-kernel of matrix products: a block of C that stays in the vector registers. Matrix products and Winograd's
// convolutions spend their time in it. Names as in Goto and van de Geijn, "Anatomy of High-Performance Matrix
// Multiplication" (2008), and BLIS.
#pragma once
#include <cstddef>
#include <type_traits>

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

/** A constant as an argument of a generic lambda. */
template <int value>
using Number = std::integral_constant<int, value>;

/** Element (r, k) of a block is data[r · rs + k · cs]; blocks are `block` floats apart. */
struct BlocksOfA {
  const float* data;
  std::ptrdiff_t rs, cs, block;
};
/** Panels of 16 columns, ld floats apart, with rows of 16 floats; blocks are `block` floats apart. */
struct BlocksOfB {
  const float* data;
  std::ptrdiff_t ld, block;
};
/** Panels of 16 columns, ld floats apart, with rows rs floats apart. */
struct BlockOfC {
  float* data;
  std::ptrdiff_t rs, ld;
};

/**
 * C[mr, nr · 16] = Σ A[mr, kc] · B[kc, nr · 16], over `blocks` pairs of A and B. With `accumulate`, the sum is added to C
 * at the end: a sum of a few sums has a smaller rounding error than one long sum.
 */
template <int mr, int nr>
CIFAR10_SIMD_INLINE void MultiplyBlock(int blocks, int kc, BlocksOfA a, BlocksOfB b, BlockOfC c, bool accumulate) {
  F32x16 sum[mr][nr];
  for (int r = 0; r < mr; r++)
    for (int q = 0; q < nr; q++) sum[r][q] = F32x16{};
  for (int block = 0; block < blocks; block++, a.data += a.block, b.data += b.block) {
    for (int k = 0; k < kc; k++) {
      F32x16 right[nr];
      for (int q = 0; q < nr; q++) right[q] = Load(b.data + q * b.ld + k * kLanes);
      // Clang would keep the sums in memory otherwise.
#pragma GCC unroll 16
      for (int r = 0; r < mr; r++)
        for (int q = 0; q < nr; q++) sum[r][q] = sum[r][q] + a.data[r * a.rs + k * a.cs] * right[q];
    }
  }
  for (int r = 0; r < mr; r++) {
    for (int q = 0; q < nr; q++) {
      float* to = c.data + q * c.ld + r * c.rs;
      Store(to, accumulate ? Load(to) + sum[r][q] : sum[r][q]);
    }
  }
}

}  // namespace
}  // namespace cifar10
