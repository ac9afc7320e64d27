// The instruction set that this process may use: the one place that decides on it, for the ops and for JavaScript.
#pragma once

namespace cifar10 {

/** Each includes those before it. AVX-512 is what oneDNN calls so: F, BW, DQ and VL. */
enum class Isa { kBaseline, kAvx2, kAvx512, kAvx512Bf16, kAmxBf16 };

/**
 * The best that the CPU has and the operating system lets this process use, determined once. The environment variable
 * CIFAR10_MAX_ISA (a name as NameOf gives) lowers it, for tests and comparisons.
 */
Isa BestIsa();

/** baseline, avx2, avx512, avx512_bf16 or amx_bf16. */
const char* NameOf(Isa isa);

}  // namespace cifar10
