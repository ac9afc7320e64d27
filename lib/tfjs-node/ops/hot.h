// Functions compiled for processors with AVX2 and FMA; nobody calls them on others (see hasOwnOps in lib/tensor/backend.ts).
#pragma once

#define HOT __attribute__((target("avx2,fma")))
#define INLINED __attribute__((always_inline, target("avx2,fma")))
#define INLINE inline INLINED
