// Sums of products that stay in the vector registers: what matrix products and Winograd's convolutions spend their time in.
#pragma once
#include <cstddef>

#include "lanes.h"

namespace cifar10 {
// Each file has its own, compiled for its kind of processor.
namespace {

#ifdef CIFAR10_AVX512
/** Rows and panels of 16 columns that are computed at once: 12×32 sums fill 24 of the 32 vector registers. */
constexpr int kRows = 12, kPanels = 2;
#else
/** Rows and panels of 16 columns that are computed at once: 6×16 sums fill 12 of the 16 vector registers. */
constexpr int kRows = 6, kPanels = 1;
#endif

/**
 * Sums of products, Rows × Panels · 16 of them: sums[q][r] = Σ a[k][r] · b[q][k], over `parts` parts of `depth` steps each. In
 * a, steps lie `step` floats apart, rows `rowStep`, and parts `aStep`; parts of b lie bStep, its panels bPanel and those of
 * sums sumsPanel floats apart. With `add` they are added to what was there, and only then: a sum of a few sums is rounded less
 * than one long sum.
 */
template <int Rows, int Panels, int step, int rowStep>
INLINE void Multiply(int parts, int depth, const float* a, std::size_t aStep, const float* b, std::size_t bStep,
                     std::size_t bPanel, float* sums, std::size_t sumsPanel, bool add) {
  Vec sum[Rows][Panels];
  for (int r = 0; r < Rows; r++)
    for (int q = 0; q < Panels; q++) sum[r][q] = Vec{};
  for (int part = 0; part < parts; part++, a += aStep, b += bStep) {
    for (int k = 0; k < depth; k++) {
      Vec right[Panels];
      for (int q = 0; q < Panels; q++) right[q] = Load(b + q * bPanel + k * kLanes);
      // Clang would keep the sums in memory otherwise.
#pragma GCC unroll 16
      for (int r = 0; r < Rows; r++)
        for (int q = 0; q < Panels; q++) sum[r][q] = sum[r][q] + a[k * step + r * rowStep] * right[q];
    }
  }
  for (int r = 0; r < Rows; r++) {
    for (int q = 0; q < Panels; q++) {
      float* to = sums + q * sumsPanel + r * kLanes;
      Store(to, add ? Load(to) + sum[r][q] : sum[r][q]);
    }
  }
}

}  // namespace
}  // namespace cifar10
