// Which kernel sets this processor (and its operating system) runs.
#include <cstdint>
#include <cstring>

#include "kernels/kernels.h"

#if defined(__x86_64__) || defined(_M_X64)
#define SHARD_X64 1
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

#if defined(SHARD_X64) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#elif defined(_M_ARM64)
#include <windows.h>
#endif

namespace shard {
namespace {

struct Features {
  bool amx = false;
  bool avx2 = false;
  bool avx512vnni = false;
  bool avxvnni = false;
  bool neonDotProduct = false;
};

#if defined(SHARD_X64)
struct Registers {
  std::uint32_t a = 0, b = 0, c = 0, d = 0;
};

Registers cpuid(std::uint32_t leaf, std::uint32_t subleaf) {
  Registers r;
#if defined(_MSC_VER)
  int out[4];
  __cpuidex(out, static_cast<int>(leaf), static_cast<int>(subleaf));
  r = {static_cast<std::uint32_t>(out[0]), static_cast<std::uint32_t>(out[1]), static_cast<std::uint32_t>(out[2]),
       static_cast<std::uint32_t>(out[3])};
#else
  __cpuid_count(leaf, subleaf, r.a, r.b, r.c, r.d);
#endif
  return r;
}

/** Which register files the operating system saves. */
std::uint64_t savedState() {
#if defined(_MSC_VER)
  return _xgetbv(0);
#else
  std::uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<std::uint64_t>(high) << 32) | low;
#endif
}

/** Linux gives a process the tiles' registers when it asks for them; elsewhere nobody has tried. */
bool mayUseTiles() {
#if defined(SHARD_EMULATED_VNNI)
  return true;
#elif defined(__linux__) && defined(SYS_arch_prctl)
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

Features detect() {
  Features out;
  const std::uint32_t most = cpuid(0, 0).a;
  if (most < 7) return out;
  const Registers one = cpuid(1, 0), seven = cpuid(7, 0);
  const auto bit = [](std::uint32_t word, int n) { return ((word >> n) & 1u) != 0; };
  const bool fma = bit(one.c, 12), osxsave = bit(one.c, 27), avx = bit(one.c, 28), f16c = bit(one.c, 29);
  if (!osxsave || !avx) return out;
  const std::uint64_t saved = savedState();
  const bool ymm = (saved & 0x6) == 0x6, zmm = (saved & 0xe6) == 0xe6;
  out.avx2 = ymm && fma && f16c && bit(seven.b, 5);
  const bool avx512 = bit(seven.b, 16) && bit(seven.b, 30) && bit(seven.b, 31);  // F, BW, VL
  out.avx512vnni = zmm && out.avx2 && avx512 && bit(seven.c, 11);
  const bool tiles = (saved & 0x60000) == 0x60000 && bit(seven.d, 24) && bit(seven.d, 25) && bit(seven.c, 8);  // and GFNI
  out.amx = out.avx512vnni && tiles && mayUseTiles();
  const std::uint32_t lastSubleaf = seven.a;
  out.avxvnni = out.avx2 && lastSubleaf >= 1 && bit(cpuid(7, 1).a, 4);
#if defined(SHARD_EMULATED_VNNI)
  out.amx = out.avx512vnni = out.avxvnni = out.avx2;  // what the emulation is compiled for: see native/README.md
#endif
  return out;
}
#else
Features detect() {
  Features out;
#if defined(__aarch64__) && defined(__APPLE__)
  out.neonDotProduct = true;  // since the first such Mac
#elif defined(__aarch64__) && defined(__linux__)
  out.neonDotProduct = (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#elif defined(_M_ARM64)
  out.neonDotProduct = IsProcessorFeaturePresent(PF_ARM_V82_DP_INSTRUCTIONS_AVAILABLE) != 0;
#endif
  return out;
}
#endif

struct Available {
  const KernelSet* sets[6] = {};
  Available() {
    const Features features = detect();
    int n = 0;
    if (features.amx && amxKernels() != nullptr) sets[n++] = amxKernels();
    if (features.avx512vnni && avx512vnniKernels() != nullptr) sets[n++] = avx512vnniKernels();
    if (features.avxvnni && avxvnniKernels() != nullptr) sets[n++] = avxvnniKernels();
    if (features.avx2 && avx2Kernels() != nullptr) sets[n++] = avx2Kernels();
    if (features.neonDotProduct && neonKernels() != nullptr) sets[n++] = neonKernels();
    sets[n] = &kPortableKernels;
  }
};

}  // namespace

const KernelSet* const* availableKernels() {
  static const Available available;
  return available.sets;
}

const KernelSet* findKernels(const char* name) {
  const KernelSet* const* sets = availableKernels();
  if (name == nullptr || *name == '\0') return sets[0];
  for (; *sets != nullptr; sets++)
    if (std::strcmp((*sets)->name, name) == 0) return *sets;
  return nullptr;
}

}  // namespace shard
