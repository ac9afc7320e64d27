// Sixteen floats at a time.
#pragma once
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "hot.h"

namespace cifar10 {

constexpr int kLanes = 16;

/**
 * Whether so many floats are written past the caches: it spares reading what was there before. From 32 MB on most processors
 * keep too little of it for whoever reads it next (measured on a server's share of 2 cores: 16 MB alike, 32 MB faster by a
 * fifth). Stream needs addresses that are multiples of 64.
 */
inline bool IsStreamed(const float* p, std::size_t floats) {
  return floats * sizeof(float) >= std::size_t(1) << 25 && std::uintptr_t(p) % 64 == 0;
}

// Aligned to a float only, because the tensors of TensorFlow may lie anywhere.
#ifdef CIFAR10_AVX512
inline namespace avx512 {
typedef float Full __attribute__((vector_size(64), aligned(4)));
struct Vec {
  Full all;
};
INLINE Vec Load(const float* p) { return {*(const Full*)p}; }
INLINE void Store(float* p, Vec v) { *(Full*)p = v.all; }
INLINE void Stream(float* p, Vec v) { _mm512_stream_ps(p, (__m512)v.all); }
INLINE Vec operator+(Vec a, Vec b) { return {a.all + b.all}; }
INLINE Vec operator-(Vec a, Vec b) { return {a.all - b.all}; }
INLINE Vec operator*(Vec a, Vec b) { return {a.all * b.all}; }
INLINE Vec operator*(float a, Vec b) { return {a * b.all}; }
/** max(v, 0); what is no number stays none. */
INLINE Vec Positive(Vec v) { return {v.all < 0 ? Full{} : v.all}; }
}  // namespace avx512
#else
inline namespace avx2 {
typedef float Half __attribute__((vector_size(32), aligned(4)));
struct Vec {
  Half low, high;
};
INLINE Vec Load(const float* p) { return {*(const Half*)p, *(const Half*)(p + 8)}; }
INLINE void Store(float* p, Vec v) {
  *(Half*)p = v.low;
  *(Half*)(p + 8) = v.high;
}
INLINE void Stream(float* p, Vec v) {
  _mm256_stream_ps(p, (__m256)v.low);
  _mm256_stream_ps(p + 8, (__m256)v.high);
}
INLINE Vec operator+(Vec a, Vec b) { return {a.low + b.low, a.high + b.high}; }
INLINE Vec operator-(Vec a, Vec b) { return {a.low - b.low, a.high - b.high}; }
INLINE Vec operator*(Vec a, Vec b) { return {a.low * b.low, a.high * b.high}; }
INLINE Vec operator*(float a, Vec b) { return {a * b.low, a * b.high}; }
INLINE Vec Positive(Vec v) { return {v.low < 0 ? Half{} : v.low, v.high < 0 ? Half{} : v.high}; }
}  // namespace avx2
#endif

}  // namespace cifar10
