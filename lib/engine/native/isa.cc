#include "isa.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace cifar10 {
namespace {

constexpr const char* kNames[] = {"baseline", "avx2", "avx512", "avx512_bf16", "amx_bf16"};

struct Registers {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};
/** Zeros where the CPU has no such leaf. */
Registers Cpuid(unsigned leaf, unsigned subleaf) {
  Registers r;
  __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
  return r;
}

constexpr bool Has(std::uint64_t bits, std::uint64_t wanted) { return (bits & wanted) == wanted; }

/** XCR0: the registers that the operating system saves for a process. */
std::uint64_t SavedRegisters() {
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return std::uint64_t(high) << 32 | low;
}

/** Linux lets a process use AMX's tiles only if it has asked (Documentation/arch/x86/xstate.rst). */
bool RequestAmx() {
#ifdef __linux__
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

// Not __builtin_cpu_supports, which Zig's compiler always answers with no.
Isa Detect() {
  constexpr std::uint64_t kYmm = 0b110, kZmm = 0b11100110, kTiles = 0b11 << 17;
  constexpr unsigned kOsxsave = 1 << 27, kFma = 1 << 12;                                // leaf 1, ecx
  constexpr unsigned kAvx2 = 1 << 5, kAvx512 = 1 << 16 | 1 << 17 | 1 << 30 | 1u << 31;  // leaf 7, ebx: F, DQ, BW, VL
  constexpr unsigned kAmxBf16 = 1 << 22 | 1 << 24;                                      // leaf 7, edx: BF16, TILE
  constexpr unsigned kAvx512Bf16 = 1 << 5;                                              // leaf 7.1, eax
  const Registers features = Cpuid(1, 0), extended = Cpuid(7, 0);
  if (!Has(features.ecx, kOsxsave | kFma)) return Isa::kBaseline;
  const std::uint64_t saved = SavedRegisters();
  if (!Has(saved, kYmm) || !Has(extended.ebx, kAvx2)) return Isa::kBaseline;
  if (!Has(saved, kZmm) || !Has(extended.ebx, kAvx512)) return Isa::kAvx2;
  if (extended.eax < 1 || !Has(Cpuid(7, 1).eax, kAvx512Bf16)) return Isa::kAvx512;
  return Has(saved, kTiles) && Has(extended.edx, kAmxBf16) && RequestAmx() ? Isa::kAmxBf16 : Isa::kAvx512Bf16;
}

/** The limit that CIFAR10_MAX_ISA sets; unknown names set none. */
Isa Limit() {
  const char* wanted = std::getenv("CIFAR10_MAX_ISA");
  for (int isa = 0; wanted && isa < int(Isa::kAmxBf16); isa++)
    if (std::strcmp(wanted, kNames[isa]) == 0) return Isa(isa);
  return Isa::kAmxBf16;
}

}  // namespace

Isa BestIsa() {
  static const Isa best = [] {
    const Isa detected = Detect(), limit = Limit();
    return detected < limit ? detected : limit;
  }();
  return best;
}

const char* NameOf(Isa isa) { return kNames[int(isa)]; }

}  // namespace cifar10
