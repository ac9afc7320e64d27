// Sixteen floats at a time.
#pragma once

#include "hot.h"

namespace cifar10 {

constexpr int kLanes = 16;

// Two registers of eight floats: 16 channels. Aligned to a float only, because the tensors of TensorFlow may lie anywhere.
typedef float Half __attribute__((vector_size(32), aligned(4)));
struct Vec {
  Half low, high;
};
INLINE Vec Load(const float* p) { return {*(const Half*)p, *(const Half*)(p + 8)}; }
INLINE void Store(float* p, Vec v) {
  *(Half*)p = v.low;
  *(Half*)(p + 8) = v.high;
}
INLINE Vec operator+(Vec a, Vec b) { return {a.low + b.low, a.high + b.high}; }
INLINE Vec operator-(Vec a, Vec b) { return {a.low - b.low, a.high - b.high}; }
INLINE Vec operator*(float a, Vec b) { return {a * b.low, a * b.high}; }

}  // namespace cifar10
