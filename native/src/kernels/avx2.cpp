// AVX2 kernels (with FMA and F16C): 16 lanes in two registers; int8 products by pairs through 16-bit sums.
#include "kernels/kernels.h"

// MSVC's /arch:AVX2 stands for all three.
#if defined(__AVX2__) && ((defined(__FMA__) && defined(__F16C__)) || (defined(_MSC_VER) && !defined(__clang__)))

#include <immintrin.h>
#include <math.h>
#include <string.h>

namespace shard {
namespace avx2 {

#include "kernels/avx2_lanes.h"

#include "kernels/float_kernels.h"

/** Nothing moves across: without, one block's sums are carried into the next one's loop, which then runs an eighth slower. */
inline void fence() {
#if defined(__GNUC__)
  __asm__ volatile("" ::: "memory");
#endif
}

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
      prefetch(block, kAhead);
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
      prefetch(block, kAhead);
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
      prefetch(block, kAhead);
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
    prefetch(block, kAhead);
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
