// AVX2 kernels (with FMA and F16C): 16 lanes in two registers; int8 products by pairs through 16-bit sums.
#include "kernels/kernels.h"

// MSVC's /arch:AVX2 stands for all three.
#if defined(__AVX2__) && ((defined(__FMA__) && defined(__F16C__)) || (defined(_MSC_VER) && !defined(__clang__)))

#include <immintrin.h>
#include <math.h>
#include <string.h>

namespace shard {
namespace avx2 {

struct Lanes {
  static constexpr bool kWide = false;
  __m256 lo, hi;

  static Lanes set(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static Lanes load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static Lanes loadHalf(const std::uint16_t* p) {
    return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
            _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 8)))};
  }
  static __m256 widen(const std::uint16_t* p) {
    const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
  }
  static Lanes loadBf16(const std::uint16_t* p) { return {widen(p), widen(p + 8)}; }
  static __m256 widenInt8(const std::int8_t* p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
  }
  static Lanes loadInt8(const std::int8_t* p) { return {widenInt8(p), widenInt8(p + 8)}; }
  static Lanes fma(Lanes a, Lanes b, Lanes c) {
    return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
  }
  static Lanes add(Lanes a, Lanes b) { return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
  static Lanes sub(Lanes a, Lanes b) { return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
  static Lanes mul(Lanes a, Lanes b) { return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
  static Lanes div(Lanes a, Lanes b) { return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
  static Lanes max(Lanes a, Lanes b) { return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
  static Lanes min(Lanes a, Lanes b) { return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)}; }
  static Lanes abs(Lanes a) {
    const __m256 mask = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
    return {_mm256_and_ps(a.lo, mask), _mm256_and_ps(a.hi, mask)};
  }
  static __m256 power(__m256 shifted) {
    const __m256i bits = _mm256_add_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 23));
  }
  static Lanes scaleByPowerOfTwo(Lanes value, Lanes shifted) {
    return {_mm256_mul_ps(value.lo, power(shifted.lo)), _mm256_mul_ps(value.hi, power(shifted.hi))};
  }
  static Lanes zeroWhereBelow(Lanes value, Lanes x, Lanes limit) {
    return {_mm256_andnot_ps(_mm256_cmp_ps(x.lo, limit.lo, _CMP_LT_OQ), value.lo),
            _mm256_andnot_ps(_mm256_cmp_ps(x.hi, limit.hi, _CMP_LT_OQ), value.hi)};
  }
  void store(float* p) const {
    _mm256_storeu_ps(p, lo);
    _mm256_storeu_ps(p + 8, hi);
  }
  void storeHalf(std::uint16_t* p) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(lo, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 8), _mm256_cvtps_ph(hi, _MM_FROUND_TO_NEAREST_INT));
  }
  static __m128i narrow(__m256 v) {
    const __m256i wide = _mm256_cvtps_epi32(v);
    return _mm_packs_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
  }
  void storeInt8(std::int8_t* p) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(narrow(lo), narrow(hi)));
  }
  float sum() const {
    const __m256 eight = _mm256_add_ps(lo, hi);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  float largest() const {
    float all[16];
    store(all);
    float out = all[0];
    for (int i = 1; i < 16; i++) out = all[i] > out ? all[i] : out;
    return out;
  }
};

#include "kernels/float_kernels.h"

inline __m256i broadcast4(const std::int8_t* p) {
  std::int32_t four;
  memcpy(&four, p, 4);
  return _mm256_set1_epi32(four);
}

/** Adds Σ code · value over columns [from, to) of one group × R rows; acc[i] holds rows 0–7 and 8–15. */
template <int R>
inline void product(const std::uint8_t* codes, const std::int8_t* values, std::size_t stride, int from, int to,
                    __m256i (&acc)[R][2]) {
  const __m256i mask = _mm256_set1_epi8(3), ones = _mm256_set1_epi16(1);
  // A pair's product is at most 2 · 3 · 128 = 768, four of them a block of 16 columns: 8 blocks stay below 2^15.
  for (int start = from; start < to; start += 128) {
    const int end = start + 128 < to ? start + 128 : to;
    __m256i pairs[R][2];
    for (int i = 0; i < R; i++) pairs[i][0] = pairs[i][1] = _mm256_setzero_si256();
    for (int c = start; c < end; c += 16) {
      const auto* block = reinterpret_cast<const __m256i*>(codes + static_cast<std::size_t>(c) * 4);
      const __m256i low = _mm256_loadu_si256(block), high = _mm256_loadu_si256(block + 1);
#pragma GCC unroll 4
      for (int j = 0; j < 4; j++) {
        const __m256i a = _mm256_and_si256(_mm256_srli_epi16(low, 2 * j), mask);
        const __m256i b = _mm256_and_si256(_mm256_srli_epi16(high, 2 * j), mask);
        for (int i = 0; i < R; i++) {
          const __m256i value = broadcast4(values + i * stride + c + 4 * j);
          pairs[i][0] = _mm256_add_epi16(pairs[i][0], _mm256_maddubs_epi16(a, value));
          pairs[i][1] = _mm256_add_epi16(pairs[i][1], _mm256_maddubs_epi16(b, value));
        }
      }
    }
    for (int i = 0; i < R; i++)
      for (int h = 0; h < 2; h++) acc[i][h] = _mm256_add_epi32(acc[i][h], _mm256_madd_epi16(pairs[i][h], ones));
  }
}

inline std::int32_t sumOf(const std::int32_t* sums, int from, int to) {
  std::int32_t out = 0;
  for (int k = from / kSumColumns; k < to / kSumColumns; k++) out += sums[k];
  return out;
}

template <int R>
void tile(const TernaryView& m, const Int8Rows& x, int group, int first, float* out, std::size_t outStride, bool add) {
  const std::uint8_t* codes = m.codes + static_cast<std::size_t>(group) * m.cols * 4;
  const std::int8_t* values = x.values + first * x.stride;
  Lanes total[R];
  __m256i acc[R][2];
  const int step = x.group != 0 ? x.group : m.scales != nullptr ? m.scaleColumns : m.cols;
  for (int i = 0; i < R; i++) total[i] = Lanes::set(0.0f);
  for (int c = 0; c < m.cols; c += step) {
    for (int i = 0; i < R; i++) {
      acc[i][0] = acc[i][1] = _mm256_set1_epi32(-sumOf(x.sums + (first + i) * x.sumStride, c, c + step));
    }
    product<R>(codes, values, x.stride, c, c + step, acc);
    for (int i = 0; i < R; i++) {
      const Lanes exact = {_mm256_cvtepi32_ps(acc[i][0]), _mm256_cvtepi32_ps(acc[i][1])};
      const Lanes own = Lanes::set(x.group != 0 ? x.scales[(first + i) * x.scaleStride + c / step] : 1.0f);
      if (m.scales != nullptr) {
        const std::size_t at = (static_cast<std::size_t>(group) * (m.cols / m.scaleColumns) + c / m.scaleColumns) * 16;
        total[i] = Lanes::fma(exact, Lanes::mul(Lanes::loadHalf(m.scales + at), own), total[i]);
      } else {
        total[i] = x.group != 0 ? Lanes::fma(exact, own, total[i]) : exact;
      }
    }
  }
  for (int i = 0; i < R; i++) {
    Lanes y = total[i];
    if (x.group == 0) y = Lanes::div(y, Lanes::set(x.scales[(first + i) * x.scaleStride]));
    if (m.scales == nullptr) y = Lanes::mul(y, Lanes::set(m.scale));
    float* to = out + (first + i) * outStride + static_cast<std::size_t>(group) * 16;
    if (add) y = Lanes::add(Lanes::load(to), y);
    y.store(to);
  }
}

void ternary(const TernaryView& m, const Int8Rows& x, int from, int to, float* out, std::size_t outStride, bool add) {
  for (int g = from; g < to; g++) {
    int i = 0;
    for (; i + 4 <= x.count; i += 4) tile<4>(m, x, g, i, out, outStride, add);
    for (; i + 2 <= x.count; i += 2) tile<2>(m, x, g, i, out, outStride, add);
    for (; i < x.count; i++) tile<1>(m, x, g, i, out, outStride, add);
  }
}

const KernelSet kKernels = {
    "avx2", ternary, dense<Lanes>, rmsNorm<Lanes>, quantise<Lanes>, glu<Lanes>, toHalf<Lanes>, roundToHalf<Lanes>, attend<Lanes>,
};

}  // namespace avx2

const KernelSet* avx2Kernels() { return &avx2::kKernels; }

}  // namespace shard

#else

namespace shard {
const KernelSet* avx2Kernels() { return nullptr; }
}  // namespace shard

#endif
