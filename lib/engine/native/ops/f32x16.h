// Sixteen floats at a time: one AVX-512 register, or two of AVX2.
#pragma once
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "simd.h"

namespace cifar10 {

constexpr int kLanes = 16;

/**
 * Whether an output of so many floats is written past the caches, which spares reading what was there before. From 32
 * MB on most CPUs keep too little of it for its next reader (measured on 2 cores of a server: at 16 MB no difference,
 * at 32 MB a fifth faster). StoreNonTemporal needs addresses that are multiples of 64.
 */
inline bool UseNonTemporalStores(const float* p, std::size_t floats) {
  return floats * sizeof(float) >= std::size_t(1) << 25 && std::uintptr_t(p) % 64 == 0;
}

// Aligned to a float only, since TensorFlow's tensors may lie anywhere. GCC and Clang let a vector alias its elements;
// may_alias would let it alias everything, which costs up to 5 % (measured).
#ifdef CIFAR10_AVX512
inline namespace CIFAR10_ISA {
typedef float Floats16 __attribute__((vector_size(64), aligned(4)));
struct F32x16 {
  Floats16 all;
};
CIFAR10_SIMD_INLINE F32x16 Load(const float* p) { return {*(const Floats16*)p}; }
CIFAR10_SIMD_INLINE void Store(float* p, F32x16 v) { *(Floats16*)p = v.all; }
CIFAR10_SIMD_INLINE void StoreNonTemporal(float* p, F32x16 v) { _mm512_stream_ps(p, (__m512)v.all); }
CIFAR10_SIMD_INLINE F32x16 operator+(F32x16 a, F32x16 b) { return {a.all + b.all}; }
CIFAR10_SIMD_INLINE F32x16 operator-(F32x16 a, F32x16 b) { return {a.all - b.all}; }
CIFAR10_SIMD_INLINE F32x16 operator*(F32x16 a, F32x16 b) { return {a.all * b.all}; }
CIFAR10_SIMD_INLINE F32x16 operator*(float a, F32x16 b) { return {a * b.all}; }
/** max(v, 0); NaN propagates. */
CIFAR10_SIMD_INLINE F32x16 Relu(F32x16 v) { return {v.all < 0 ? Floats16{} : v.all}; }
}  // namespace CIFAR10_ISA
#else
inline namespace CIFAR10_ISA {
typedef float Floats8 __attribute__((vector_size(32), aligned(4)));
struct F32x16 {
  Floats8 low, high;
};
CIFAR10_SIMD_INLINE F32x16 Load(const float* p) { return {*(const Floats8*)p, *(const Floats8*)(p + 8)}; }
CIFAR10_SIMD_INLINE void Store(float* p, F32x16 v) {
  *(Floats8*)p = v.low;
  *(Floats8*)(p + 8) = v.high;
}
CIFAR10_SIMD_INLINE void StoreNonTemporal(float* p, F32x16 v) {
  _mm256_stream_ps(p, (__m256)v.low);
  _mm256_stream_ps(p + 8, (__m256)v.high);
}
CIFAR10_SIMD_INLINE F32x16 operator+(F32x16 a, F32x16 b) { return {a.low + b.low, a.high + b.high}; }
CIFAR10_SIMD_INLINE F32x16 operator-(F32x16 a, F32x16 b) { return {a.low - b.low, a.high - b.high}; }
CIFAR10_SIMD_INLINE F32x16 operator*(F32x16 a, F32x16 b) { return {a.low * b.low, a.high * b.high}; }
CIFAR10_SIMD_INLINE F32x16 operator*(float a, F32x16 b) { return {a * b.low, a * b.high}; }
CIFAR10_SIMD_INLINE F32x16 Relu(F32x16 v) { return {v.low < 0 ? Floats8{} : v.low, v.high < 0 ? Floats8{} : v.high}; }
}  // namespace CIFAR10_ISA
#endif

}  // namespace cifar10
