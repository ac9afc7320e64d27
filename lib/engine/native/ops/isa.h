// What this processor can do.
#pragma once
#include <cpuid.h>

namespace cifar10 {

/**
 * Whether kernels for AVX-512 can be run: the processor has its foundation, and the system saves its registers. (GCC's
 * __builtin_cpu_supports says the same; what Zig makes of it always says no.)
 */
inline bool HasAvx512() {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return false;
  unsigned states, high;
  __asm__("xgetbv" : "=a"(states), "=d"(high) : "c"(0));
  // Of SSE, AVX, and AVX-512's masks, upper halves and upper registers.
  constexpr unsigned kNeeded = 0b11100110;
  return (states & kNeeded) == kNeeded && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX512F);
}

}  // namespace cifar10
