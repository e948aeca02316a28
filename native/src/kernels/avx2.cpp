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

/** One 32-bit load and broadcast: no shuffle. */
inline __m256i broadcast4(const std::int8_t* p) {
  std::int32_t four;
  memcpy(&four, p, 4);
  return _mm256_set1_epi32(four);
}

/**
 * Keeps a value where the source has it. Integer sums may be reordered freely, and compilers do: they move dozens of
 * products in front of their additions, until most of the registers live on the stack.
 */
inline void keep(__m256i& x) {
#if defined(__GNUC__)
  __asm__("" : "+x"(x));
#else
  (void)x;
#endif
}

/** Nothing moves across: without, one block's sums are carried into the next one's loop, which then runs an eighth slower. */
inline void fence() {
#if defined(__GNUC__)
  __asm__ volatile("" ::: "memory");
#endif
}

/** Bytes between what is read and what is fetched: a page on, where processors' own prefetching stops. */
constexpr int kAhead = 4096;
inline void prefetch(const void* p) { _mm_prefetch(static_cast<const char*>(p) + kAhead, _MM_HINT_T0); }

struct Sums {
  __m256i lo, hi;  // rows 0–7 and 8–15
  static Sums span(const std::int32_t* from, const std::int32_t* to) {
    const __m256i all = _mm256_sub_epi32(_mm256_set1_epi32(*from), _mm256_set1_epi32(*to));
    return {all, all};
  }
  Lanes lanes() const { return {_mm256_cvtepi32_ps(lo), _mm256_cvtepi32_ps(hi)}; }
};

constexpr int kGroupsAtOnce = 1;
constexpr int kTernaryRows = 5;
constexpr int kInt8Rows = 4;
inline Sums int8Offset(Sums) { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }

/** int16 sums of one group × R rows, of so few columns that none overflows. */
template <int R>
struct PairSums {
  __m256i low[R], high[R];
  PairSums() {
    for (int i = 0; i < R; i++) low[i] = high[i] = _mm256_setzero_si256();
  }
  /** Codes of four columns, rows 0–7 in `a` and 8–15 in `b`, times each row's four values. */
  void add(__m256i a, __m256i b, const std::int8_t* values, std::size_t stride) {
    keep(a);
    keep(b);
#pragma GCC unroll 8
    for (int i = 0; i < R; i++) {
      const __m256i value = broadcast4(values + i * stride);
      low[i] = _mm256_add_epi16(low[i], _mm256_maddubs_epi16(a, value));
      keep(low[i]);
      high[i] = _mm256_add_epi16(high[i], _mm256_maddubs_epi16(b, value));
      keep(high[i]);
    }
  }
  void addTo(Sums (&sums)[1][R]) const {
    const __m256i ones = _mm256_set1_epi16(1);
    for (int i = 0; i < R; i++) {
      sums[0][i].lo = _mm256_add_epi32(sums[0][i].lo, _mm256_madd_epi16(low[i], ones));
      sums[0][i].hi = _mm256_add_epi32(sums[0][i].hi, _mm256_madd_epi16(high[i], ones));
    }
  }
};

/**
 * One row of activations, where taking the codes apart costs as much as multiplying them: every other code stays two bits up,
 * and sums of four times the products are kept apart.
 */
inline void addTernaryRow(const std::uint8_t* codes, const std::int8_t* values, int from, int to, Sums& sums) {
  const __m256i ones = _mm256_set1_epi16(1), mask = _mm256_set1_epi8(3), maskOfFour = _mm256_set1_epi8(12);
  // Four times a pair's product is at most 3072, two of them a block of 16 columns: 5 blocks would stay below 2^15.
  for (int start = from; start < to; start += 64) {
    __m256i low = _mm256_setzero_si256(), high = low, lowOfFour = low, highOfFour = low;
    const auto times = [](__m256i code, __m256i value, __m256i& sum) {
      sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(code, value));
      keep(sum);
    };
#pragma GCC unroll 4
    for (int c = start; c < start + 64; c += 16) {
      const auto* block = reinterpret_cast<const __m256i*>(codes + static_cast<std::size_t>(c) * 4);
      prefetch(block);
      __m256i first = _mm256_loadu_si256(block), second = _mm256_loadu_si256(block + 1);
#pragma GCC unroll 2
      for (int j = 0; j < 2; j++) {
        const __m256i value = broadcast4(values + c + 8 * j), next = broadcast4(values + c + 8 * j + 4);
        times(_mm256_and_si256(first, mask), value, low);
        times(_mm256_and_si256(second, mask), value, high);
        times(_mm256_and_si256(first, maskOfFour), next, lowOfFour);
        times(_mm256_and_si256(second, maskOfFour), next, highOfFour);
        first = _mm256_srli_epi16(first, 4);
        second = _mm256_srli_epi16(second, 4);
      }
    }
    const auto total = [&](__m256i plain, __m256i ofFour) {
      return _mm256_add_epi32(_mm256_madd_epi16(plain, ones), _mm256_srai_epi32(_mm256_madd_epi16(ofFour, ones), 2));
    };
    sums.lo = _mm256_add_epi32(sums.lo, total(low, lowOfFour));
    sums.hi = _mm256_add_epi32(sums.hi, total(high, highOfFour));
  }
}

template <int G, int R>
inline void addTernary(const std::uint8_t* codes, std::size_t, const std::int8_t* values, std::size_t stride, int from, int to,
                       Sums (&sums)[G][R]) {
  static_assert(G == 1, "two groups do not fit into the registers");
  if constexpr (R == 1) return addTernaryRow(codes, values, from, to, sums[0][0]);
  const __m256i mask = _mm256_set1_epi8(3);
  // A pair's product is at most 2 · 3 · 128 = 768, four of them a block of 16 columns: 8 blocks stay below 2^15.
  for (int start = from; start < to; start += 128) {
    const int end = start + 128 < to ? start + 128 : to;
    if (to - from > 128) fence();
    PairSums<R> pairs;
    for (int c = start; c < end; c += 16) {
      const auto* block = reinterpret_cast<const __m256i*>(codes + static_cast<std::size_t>(c) * 4);
      prefetch(block);
      const __m256i first = _mm256_loadu_si256(block), second = _mm256_loadu_si256(block + 1);
#pragma GCC unroll 4
      for (int j = 0; j < 4; j++) {
        __m256i a = _mm256_and_si256(_mm256_srli_epi16(first, 2 * j), mask);
        __m256i b = _mm256_and_si256(_mm256_srli_epi16(second, 2 * j), mask);
        pairs.add(a, b, values + c + 4 * j, stride);
      }
    }
    pairs.addTo(sums);
  }
}

/** The digit that three times x would carry out, x = byte + 128: x ≥ 256 / 3, and x ≥ 512 / 3. */
inline __m256i carried(__m256i x) {
  return _mm256_abs_epi8(_mm256_add_epi8(_mm256_cmpgt_epi8(x, _mm256_set1_epi8(-43)), _mm256_cmpgt_epi8(x, _mm256_set1_epi8(42))));
}

template <int G, int R>
inline void addBaseThree(const std::uint8_t* codes, std::size_t, const std::int8_t* values, std::size_t stride, int columns,
                         Sums (&sums)[G][R]) {
  static_assert(G == 1, "two groups do not fit into the registers");
  // A pair's product is at most 2 · 2 · 128 = 512, five of them a block of 20 columns: 12 blocks stay below 2^15.
  constexpr int kSpan = 12 * kBaseThreeColumns;
  for (int start = 0; start < columns; start += kSpan) {
    const int end = start + kSpan < columns ? start + kSpan : columns;
    fence();
    PairSums<R> pairs;
    for (int c = start; c < end; c += kBaseThreeColumns, codes += 64) {
      const auto* block = reinterpret_cast<const __m256i*>(codes);
      prefetch(block);
      __m256i first = _mm256_loadu_si256(block), second = _mm256_loadu_si256(block + 1);
#pragma GCC unroll 5
      for (int j = 0; j < 5; j++) {
        __m256i a = carried(first);
        __m256i b = carried(second);
        first = _mm256_add_epi8(first, _mm256_add_epi8(first, first));
        second = _mm256_add_epi8(second, _mm256_add_epi8(second, second));
        pairs.add(a, b, values + c + 4 * j, stride);
      }
    }
    pairs.addTo(sums);
  }
}

template <int G, int R>
inline void addInt8(const std::int8_t* weights, std::size_t, const std::int8_t* values, std::size_t stride, int from, int to,
                    Sums (&sums)[G][R]) {
  static_assert(G == 1, "two groups do not fit into the registers");
  const __m256i ones = _mm256_set1_epi16(1);
  // |weight| · (value with the weight's sign): a pair's product is at most 2 · 127 · 127, within int16.
  const auto times = [&](__m256i weight, __m256i size, __m256i value, __m256i sum) {
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(size, _mm256_sign_epi8(value, weight)), ones));
    keep(sum);
    return sum;
  };
  for (int c = from; c < to; c += 4) {
    const auto* block = reinterpret_cast<const __m256i*>(weights + static_cast<std::size_t>(c) * 16);
    prefetch(block);
    const __m256i a = _mm256_loadu_si256(block), b = _mm256_loadu_si256(block + 1);
    const __m256i sizeA = _mm256_abs_epi8(a), sizeB = _mm256_abs_epi8(b);
#pragma GCC unroll 8
    for (int i = 0; i < R; i++) {
      const __m256i value = broadcast4(values + i * stride + c);
      sums[0][i].lo = times(a, sizeA, value, sums[0][i].lo);
      sums[0][i].hi = times(b, sizeB, value, sums[0][i].hi);
    }
  }
}

#include "kernels/integer_kernels.h"

const KernelSet kKernels = {
    "avx2", ternary, int8, dense<Lanes>, rmsNorm<Lanes>, quantise<Lanes>, glu<Lanes>, toHalf<Lanes>, roundToHalf<Lanes>, sumOfExp<Lanes>, attend<Lanes>,
};

}  // namespace avx2

const KernelSet* avx2Kernels() { return &avx2::kKernels; }

}  // namespace shard

#else

namespace shard {
const KernelSet* avx2Kernels() { return nullptr; }
}  // namespace shard

#endif
