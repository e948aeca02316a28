// Stands before the compiler's <immintrin.h> in the build with emulated VNNI (native/build.mjs --emulate-vnni): AVX-512's
// types and intrinsics become SIMDe's, AVX-VNNI's product one of ours; AVX2 computes both. For checking results, not for measuring.
// An intrinsic that is missing here ends the compilation ("target specific option mismatch"): add it at the end.
#pragma once

#if !__has_include(<simde/x86/avx512.h>)
#error "SIMDe is not installed: sudo apt install libsimde-dev (Debian, Ubuntu) or sudo dnf install simde-devel (Fedora)"
#endif

// build.mjs defines them for the kernels' sake; the compiler and SIMDe must not take them for the processor's own.
#undef __AVX512F__
#undef __AVX512BW__
#undef __AVX512VL__
#undef __AVX512VNNI__
#undef __AVXVNNI__
#undef __GFNI__

#include_next <immintrin.h>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/gfni.h>

// --- what SIMDe 0.7.4 lacks ------------------------------------------------------------------------------------------

namespace shard {
namespace emulated {

/** A register as an array of its elements. */
template <typename T, typename Register>
struct Elements {
  static constexpr int kCount = sizeof(Register) / sizeof(T);
  T at[kCount];
  Elements() = default;
  explicit Elements(Register r) { __builtin_memcpy(at, &r, sizeof at); }
  Register whole() const {
    Register r;
    __builtin_memcpy(&r, at, sizeof r);
    return r;
  }
};
using Int32s = Elements<int, __m512i>;

template <typename R, typename V, typename F>
inline V each(F f) {
  Elements<R, V> out;
  for (int i = 0; i < Elements<R, V>::kCount; i++) out.at[i] = f(i);
  return out.whole();
}

template <typename Part, typename Whole>
inline Part part(Whole w, int n) {
  Part p;
  __builtin_memcpy(&p, reinterpret_cast<const char*>(&w) + n * sizeof p, sizeof p);
  return p;
}
template <typename Whole, typename Part>
inline Whole join(Part low, Part high) {
  Whole w;
  __builtin_memcpy(&w, &low, sizeof low);
  __builtin_memcpy(reinterpret_cast<char*>(&w) + sizeof low, &high, sizeof high);
  return w;
}

inline __m512 cvtph_ps(__m256i half) {
  return join<__m512>(simde_mm256_cvtph_ps(part<__m128i>(half, 0)), simde_mm256_cvtph_ps(part<__m128i>(half, 1)));
}
inline __m256i cvtps_ph(__m512 v) {
  return join<__m256i>(simde_mm256_cvtps_ph(part<__m256>(v, 0), 0), simde_mm256_cvtps_ph(part<__m256>(v, 1), 0));
}
inline __m512i cvtps_epi32(__m512 v) {
  return join<__m512i>(simde_mm256_cvtps_epi32(part<__m256>(v, 0)), simde_mm256_cvtps_epi32(part<__m256>(v, 1)));
}
inline __m512 cvtepi32_ps(__m512i v) {
  return join<__m512>(simde_mm256_cvtepi32_ps(part<__m256i>(v, 0)), simde_mm256_cvtepi32_ps(part<__m256i>(v, 1)));
}
inline __m512i cvtepu16_epi32(__m256i v) {
  return join<__m512i>(simde_mm256_cvtepu16_epi32(part<__m128i>(v, 0)), simde_mm256_cvtepu16_epi32(part<__m128i>(v, 1)));
}
inline __m512i cvtepi8_epi32(__m128i v) {
  return join<__m512i>(simde_mm256_cvtepi8_epi32(v), simde_mm256_cvtepi8_epi32(_mm_srli_si128(v, 8)));
}
inline __m512i srai_epi32(__m512i v, unsigned count) {
  return join<__m512i>(simde_mm256_srai_epi32(part<__m256i>(v, 0), static_cast<int>(count)),
                       simde_mm256_srai_epi32(part<__m256i>(v, 1), static_cast<int>(count)));
}
inline __m128i cvtepi32_epi8(__m512i v) {
  const Int32s x(v);
  return each<char, __m128i>([&](int i) { return static_cast<char>(x.at[i]); });
}


/** AVX-VNNI's: the even bytes and the odd ones as pairs of 16-bit numbers, whose products and sums are exact. */
inline __m256i dpbusd(__m256i sum, __m256i unsignedBytes, __m256i signedBytes) {
  const __m256i low = _mm256_set1_epi16(0xff);
  const __m256i even = _mm256_madd_epi16(_mm256_and_si256(unsignedBytes, low),
                                         _mm256_srai_epi16(_mm256_slli_epi16(signedBytes, 8), 8));
  const __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(unsignedBytes, 8), _mm256_srai_epi16(signedBytes, 8));
  return _mm256_add_epi32(sum, _mm256_add_epi32(even, odd));
}

}  // namespace emulated
}  // namespace shard

#define _mm512_cvtph_ps(v) (::shard::emulated::cvtph_ps(v))
#define _mm512_cvtps_ph(v, nearest) \
  ([](__m512 wide) { static_assert(((nearest) | _MM_FROUND_NO_EXC) == _MM_FROUND_NO_EXC, "only to nearest"); return ::shard::emulated::cvtps_ph(wide); }(v))
#define _mm512_cvtps_epi32(v) (::shard::emulated::cvtps_epi32(v))
#define _mm512_cvtepi32_ps(v) (::shard::emulated::cvtepi32_ps(v))
#define _mm512_cvtepi32_epi8(v) (::shard::emulated::cvtepi32_epi8(v))
#define _mm512_cvtepu16_epi32(v) (::shard::emulated::cvtepu16_epi32(v))
#define _mm512_srai_epi32(v, count) (::shard::emulated::srai_epi32(v, count))
#define _mm512_cvtepi8_epi32(v) (::shard::emulated::cvtepi8_epi32(v))
#define _mm256_dpbusd_avx_epi32(sum, codes, values) (::shard::emulated::dpbusd(sum, codes, values))
