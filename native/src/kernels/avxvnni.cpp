// AVX-VNNI kernels, for processors without AVX-512: AVX2's registers, and four int8 products a lane in one instruction.
#include "kernels/kernels.h"

#if defined(__AVX2__) && defined(__AVXVNNI__) && ((defined(__FMA__) && defined(__F16C__)) || defined(_MSC_VER))

#include <immintrin.h>
#include <math.h>
#include <string.h>

namespace shard {
namespace avxvnni {

#include "kernels/avx2_lanes.h"

#include "kernels/float_kernels.h"

constexpr int kGroupsAtOnce = 1;
constexpr int kTernaryRows = 6;
constexpr int kInt8Rows = 6;
/** 128: the instruction multiplies unsigned with signed bytes. */
inline Sums int8Offset(Sums span) { return {_mm256_slli_epi32(span.lo, 7), _mm256_slli_epi32(span.hi, 7)}; }

/** sum + Σ of four unsigned bytes times four signed ones, lane by lane. */
inline void addProducts(__m256i& sum, __m256i codes, __m256i value) {
  __m256i next = _mm256_dpbusd_avx_epi32(sum, codes, value);
  keep(next);
  sum = next;
}

/** As in avx512vnni.cpp, where the reasons stand; of sixteen registers. */
constexpr int sumsPerRow(int rows) { return rows == 1 ? 4 : rows <= 3 ? 2 : 1; }

// Loops that index an array of registers are all unrolled: one that is not keeps the whole array on the stack.

template <int G, int R>
inline void addTernary(const std::uint8_t* codes, std::size_t, const std::int8_t* values, std::size_t stride, int from, int to,
                       Sums (&sums)[G][R]) {
  static_assert(G == 1, "two groups do not fit into the registers");
  constexpr int kParts = sumsPerRow(R);
  __m256i low[kParts][R], high[kParts][R];
#pragma GCC unroll 8
  for (int i = 0; i < R; i++) {
    low[0][i] = sums[0][i].lo;
    high[0][i] = sums[0][i].hi;
#pragma GCC unroll 4
    for (int p = 1; p < kParts; p++) low[p][i] = high[p][i] = _mm256_setzero_si256();
  }
  for (int c = from; c < to; c += 16) {
    const auto* block = reinterpret_cast<const __m256i*>(codes + static_cast<std::size_t>(c) * 4);
    prefetch(block, kAhead);
    const __m256i first = _mm256_loadu_si256(block), second = _mm256_loadu_si256(block + 1);
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
      const int p = j % kParts;
      const __m256i mask = _mm256_set1_epi8(static_cast<char>(3 << (2 * p)));
      const __m256i a = _mm256_and_si256(_mm256_srli_epi16(first, 2 * (j - p)), mask);
      const __m256i b = _mm256_and_si256(_mm256_srli_epi16(second, 2 * (j - p)), mask);
#pragma GCC unroll 8
      for (int i = 0; i < R; i++) {
        const __m256i value = broadcast4(values + i * stride + c + 4 * j);
        addProducts(low[p][i], a, value);
        addProducts(high[p][i], b, value);
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < R; i++) {
    __m256i lo = low[0][i], hi = high[0][i];
#pragma GCC unroll 4
    for (int p = 1; p < kParts; p++) {
      lo = _mm256_add_epi32(lo, _mm256_srai_epi32(low[p][i], 2 * p));
      hi = _mm256_add_epi32(hi, _mm256_srai_epi32(high[p][i], 2 * p));
    }
    sums[0][i] = {lo, hi};
  }
}

template <int G, int R>
inline void addBaseThree(const std::uint8_t* codes, std::size_t, const std::int8_t* values, std::size_t stride, int columns,
                         Sums (&sums)[G][R]) {
  static_assert(G == 1, "two groups do not fit into the registers");
  __m256i low[R], high[R];
#pragma GCC unroll 8
  for (int i = 0; i < R; i++) {
    low[i] = sums[0][i].lo;
    high[i] = sums[0][i].hi;
  }
  for (int c = 0; c < columns; c += kBaseThreeColumns, codes += 64) {
    const auto* block = reinterpret_cast<const __m256i*>(codes);
    prefetch(block, kAhead);
    __m256i first = _mm256_loadu_si256(block), second = _mm256_loadu_si256(block + 1);
#pragma GCC unroll 5
    for (int j = 0; j < 5; j++) {
      const __m256i a = carried(first), b = carried(second);
      first = _mm256_add_epi8(first, _mm256_add_epi8(first, first));
      second = _mm256_add_epi8(second, _mm256_add_epi8(second, second));
#pragma GCC unroll 8
      for (int i = 0; i < R; i++) {
        const __m256i value = broadcast4(values + i * stride + c + 4 * j);
        addProducts(low[i], a, value);
        addProducts(high[i], b, value);
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < R; i++) sums[0][i] = {low[i], high[i]};
}

template <int G, int R>
inline void addInt8(const std::int8_t* weights, std::size_t, const std::int8_t* values, std::size_t stride, int from, int to,
                    Sums (&sums)[G][R]) {
  static_assert(G == 1, "two groups do not fit into the registers");
  const __m256i flip = _mm256_set1_epi8(static_cast<char>(0x80));  // a signed byte plus 128
  for (int c = from; c < to; c += 4) {
    const auto* block = reinterpret_cast<const __m256i*>(weights + static_cast<std::size_t>(c) * 16);
    prefetch(block, kAhead);
    const __m256i a = _mm256_xor_si256(_mm256_loadu_si256(block), flip);
    const __m256i b = _mm256_xor_si256(_mm256_loadu_si256(block + 1), flip);
#pragma GCC unroll 8
    for (int i = 0; i < R; i++) {
      const __m256i value = broadcast4(values + i * stride + c);
      addProducts(sums[0][i].lo, a, value);
      addProducts(sums[0][i].hi, b, value);
    }
  }
}

#include "kernels/integer_kernels.h"

const KernelSet kKernels = {
    "avxvnni", ternary, int8, dense<Lanes>, rmsNorm<Lanes>, quantise<Lanes>, glu<Lanes>, toHalf<Lanes>, roundToHalf<Lanes>, sumOfExp<Lanes>, attend<Lanes>,
};

}  // namespace avxvnni

const KernelSet* avxvnniKernels() { return &avxvnni::kKernels; }

}  // namespace shard

#else

namespace shard {
const KernelSet* avxvnniKernels() { return nullptr; }
}  // namespace shard

#endif
