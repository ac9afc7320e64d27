// Functions compiled for a kind of processor: AVX2 with FMA, or AVX-512 where CIFAR10_AVX512 is defined before. Nobody calls
// them on others (see hasOwnOps in lib/tensor/backend.ts, and HasAvx512 in processor.h).
#pragma once

#ifdef CIFAR10_AVX512
#define TARGET target("avx512f,fma")
#else
#define TARGET target("avx2,fma")
#endif
#define HOT __attribute__((TARGET))
#define INLINED __attribute__((always_inline, TARGET))
#define INLINE inline INLINED

/**
 * Before a loop whose steps do not depend on one another, though outputs may lie where inputs did: step i reads and writes at i.
 */
#ifdef __clang__
#define APART _Pragma("clang loop vectorize(assume_safety)")
#else
#define APART _Pragma("GCC ivdep")
#endif
