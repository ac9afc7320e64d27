// Functions compiled for a kind of processor: AVX2 with FMA, or AVX-512 where CIFAR10_AVX512 is defined before. Nobody calls
// them on others (see hasOwnOps in lib/tensor/backend.ts, and winograd-kernels.h).
#pragma once

#ifdef CIFAR10_AVX512
#define TARGET target("avx512f,fma")
#else
#define TARGET target("avx2,fma")
#endif
#define HOT __attribute__((TARGET))
#define INLINED __attribute__((always_inline, TARGET))
#define INLINE inline INLINED
