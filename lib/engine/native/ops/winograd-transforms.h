// Winograd's transforms of a tile, for 16 channels at a time: see winograd.h.
#pragma once

#include "winograd-kernels.h"

namespace cifar10 {
inline namespace CIFAR10_ISA {

// The transforms of one dimension, with the paper's names: x and y are vectors whose elements lie `from` and `to`
// apart.
struct InputTransform {  // Bᵀ
  static constexpr int kIn = kPatch, kOut = kPatch;
  CIFAR10_SIMD_INLINE static void Apply(const F32x16* x, int from, F32x16* y, int to) {
    const F32x16 x0 = x[0], x1 = x[from], x2 = x[2 * from], x3 = x[3 * from], x4 = x[4 * from], x5 = x[5 * from];
    const F32x16 even = x4 - 4 * x2, odd = x3 - 4 * x1, even2 = x4 - x2, odd2 = 2 * (x3 - x1);
    y[0] = 4 * x0 - 5 * x2 + x4;
    y[to] = even + odd;
    y[2 * to] = even - odd;
    y[3 * to] = even2 + odd2;
    y[4 * to] = even2 - odd2;
    y[5 * to] = 4 * x1 - 5 * x3 + x5;
  }
};
struct OutputTransform {  // Aᵀ
  static constexpr int kIn = kPatch, kOut = kTile;
  CIFAR10_SIMD_INLINE static void Apply(const F32x16* x, int from, F32x16* y, int to) {
    const F32x16 sum = x[from] + x[2 * from], difference = x[from] - x[2 * from];
    const F32x16 sum2 = x[3 * from] + x[4 * from], difference2 = x[3 * from] - x[4 * from];
    y[0] = x[0] + sum + sum2;
    y[to] = difference + 2 * difference2;
    y[2 * to] = sum + 4 * sum2;
    y[3 * to] = difference + 8 * difference2 + x[5 * from];
  }
};
struct OutputGradient {  // A
  static constexpr int kIn = kTile, kOut = kPatch;
  CIFAR10_SIMD_INLINE static void Apply(const F32x16* x, int from, F32x16* y, int to) {
    const F32x16 x0 = x[0], x1 = x[from], x2 = x[2 * from], x3 = x[3 * from];
    const F32x16 even = x0 + x2, odd = x1 + x3, even2 = x0 + 4 * x2, odd2 = 2 * x1 + 8 * x3;
    y[0] = x0;
    y[to] = even + odd;
    y[2 * to] = even - odd;
    y[3 * to] = even2 + odd2;
    y[4 * to] = even2 - odd2;
    y[5 * to] = x3;
  }
};
struct FilterTransform {  // G
  static constexpr int kIn = 3, kOut = kPatch;
  CIFAR10_SIMD_INLINE static void Apply(const F32x16* x, int from, F32x16* y, int to) {
    const F32x16 x0 = x[0], x1 = x[from], x2 = x[2 * from];
    const F32x16 even = (-1 / 6.f) * (x0 + x2), odd = (1 / 6.f) * x1;
    const F32x16 even2 = (1 / 24.f) * x0 + (1 / 6.f) * x2, odd2 = (1 / 12.f) * x1;
    y[0] = (1 / 4.f) * x0;
    y[to] = even - odd;
    y[2 * to] = even + odd;
    y[3 * to] = even2 + odd2;
    y[4 * to] = even2 - odd2;
    y[5 * to] = x2;
  }
};
struct FilterGradient {  // Gᵀ
  static constexpr int kIn = kPatch, kOut = 3;
  CIFAR10_SIMD_INLINE static void Apply(const F32x16* x, int from, F32x16* y, int to) {
    const F32x16 sum = x[from] + x[2 * from], difference = x[2 * from] - x[from];
    const F32x16 sum2 = x[3 * from] + x[4 * from], difference2 = x[3 * from] - x[4 * from];
    y[0] = (1 / 4.f) * x[0] - (1 / 6.f) * sum + (1 / 24.f) * sum2;
    y[to] = (1 / 6.f) * difference + (1 / 12.f) * difference2;
    y[2 * to] = (1 / 6.f) * (sum2 - sum) + x[5 * from];
  }
};

/** Both dimensions of a square: load(i, j) gives its elements, [kIn, kIn]; store(i, j, value) takes the results, [kOut,
 * kOut]. */
template <class Transform, class LoadAt, class StoreAt>
CIFAR10_SIMD_INLINE void Apply(LoadAt load, StoreAt store) {
  constexpr int in = Transform::kIn, out = Transform::kOut;
  F32x16 half[out * in];
  for (int j = 0; j < in; j++) {
    F32x16 column[in];
    for (int i = 0; i < in; i++) column[i] = load(i, j);
    Transform::Apply(column, 1, half + j, in);
  }
  for (int i = 0; i < out; i++) {
    F32x16 row[out];
    Transform::Apply(half + i * in, 1, row, 1);
    for (int j = 0; j < out; j++) store(i, j, row[j]);
  }
}

}  // namespace CIFAR10_ISA
}  // namespace cifar10
