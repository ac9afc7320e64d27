// Attributes of functions that are compiled for an instruction set: AVX2 with FMA, or AVX-512 where CIFAR10_AVX512 is
// defined. Attributes instead of compiler flags per file, so that no inline function of the standard library is
// compiled for AVX and then chosen by the linker for all. Our own definitions that differ lie in the inline namespace
// CIFAR10_ISA.
#pragma once

#ifdef CIFAR10_AVX512
#define CIFAR10_TARGET target("avx512f,fma")
#define CIFAR10_ISA avx512
#else
#define CIFAR10_TARGET target("avx2,fma")
#define CIFAR10_ISA avx2
#endif
#define CIFAR10_SIMD __attribute__((CIFAR10_TARGET))
#define CIFAR10_SIMD_LAMBDA __attribute__((always_inline, CIFAR10_TARGET))
#define CIFAR10_SIMD_INLINE inline CIFAR10_SIMD_LAMBDA

/** Before a loop: no loop-carried dependency; inputs and outputs may alias element-wise (step i reads and writes at i).
 */
#ifdef __clang__
#define CIFAR10_IVDEP _Pragma("clang loop vectorize(assume_safety)")
#else
#define CIFAR10_IVDEP _Pragma("GCC ivdep")
#endif
