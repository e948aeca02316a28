// AVX-512 kernels with VNNI: 16 lanes in one register, four int8 products a lane in one instruction.
#include "kernels/kernels.h"

#if defined(__AVX512F__) && defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__)

#include <immintrin.h>
#include <math.h>
#include <string.h>

namespace shard {
namespace avx512vnni {

#include "kernels/avx512_lanes.h"

#include "kernels/float_kernels.h"

inline __m512i broadcast4(const std::int8_t* p) {
  std::int32_t four;
  memcpy(&four, p, 4);
  return _mm512_set1_epi32(four);
}

constexpr int kGroupsAtOnce = 2;
constexpr int kTernaryRows = 8;
constexpr int kInt8Rows = 8;
/** 128: the instruction multiplies unsigned with signed bytes. */
inline Sums int8Offset(Sums span) { return {_mm512_slli_epi32(span.v, 7)}; }

/** Keeps a sum in its register: left alone, GCC copies it before it adds to it. */
inline void keep(__m512i& x) {
#if defined(__GNUC__) && defined(__AVX512F__)  // where it is emulated there is no such register
  __asm__("" : "+v"(x));
#else
  (void)x;
#endif
}

/**
 * How many sums a row of the matrix has in addTernary. The codes of column 4j + i stand at bit 2j of their byte. With four
 * sums they stay there: a mask cuts them out, sum j is 4^j times too large, and shifting it back at the end replaces a
 * shift per 16 rows × 4 columns. With two, every other shift goes. It also leaves time between additions to one sum, which
 * take four to five cycles each: with one or two rows of activations that is what the loop waits for. As many as leave
 * eight of the 32 registers free. Of 2^16 columns, the most there are, a sum is at most 2^14 · 3 · 64 · 128 < 2^31.
 */
constexpr int sumsPerRow(int tile) { return 4 * tile <= 24 ? 4 : 2 * tile <= 24 ? 2 : 1; }

// Loops that index an array of registers are all unrolled: one that is not keeps the whole array on the stack.

template <int G, int R>
[[gnu::always_inline]] inline void addTernary(const std::uint8_t* codes, std::size_t groupBytes, const std::int8_t* values,
                                              std::size_t stride, int from, int to, Sums (&sums)[G][R]) {
  constexpr int kParts = sumsPerRow(G * R);
  __m512i part[kParts][G][R];
#pragma GCC unroll 8
  for (int i = 0; i < R; i++)
#pragma GCC unroll 2
    for (int g = 0; g < G; g++) {
      part[0][g][i] = sums[g][i].v;
#pragma GCC unroll 4
      for (int p = 1; p < kParts; p++) part[p][g][i] = _mm512_setzero_si512();
    }
  for (int c = from; c < to; c += 16) {
    __m512i packed[G];
#pragma GCC unroll 2
    for (int g = 0; g < G; g++) {
      const std::uint8_t* block = codes + g * groupBytes + static_cast<std::size_t>(c) * 4;
      prefetch(block, aheadOf<G>(static_cast<std::size_t>(c) * 4, groupBytes, kAhead));
      packed[g] = _mm512_loadu_si512(block);
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
      const int p = j % kParts;
      const __m512i mask = _mm512_set1_epi8(static_cast<char>(3 << (2 * p)));
      __m512i code[G];
#pragma GCC unroll 2
      for (int g = 0; g < G; g++) code[g] = _mm512_and_si512(_mm512_srli_epi16(packed[g], 2 * (j - p)), mask);
#pragma GCC unroll 8
      for (int i = 0; i < R; i++) {
        const __m512i value = broadcast4(values + i * stride + c + 4 * j);
#pragma GCC unroll 2
        for (int g = 0; g < G; g++) {
          __m512i sum = _mm512_dpbusd_epi32(part[p][g][i], code[g], value);
          keep(sum);
          part[p][g][i] = sum;
        }
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < R; i++)
#pragma GCC unroll 2
    for (int g = 0; g < G; g++) {
      __m512i sum = part[0][g][i];
#pragma GCC unroll 4
      for (int p = 1; p < kParts; p++) sum = _mm512_add_epi32(sum, _mm512_srai_epi32(part[p][g][i], 2 * p));
      sums[g][i].v = sum;
    }
}

template <int G, int R>
[[gnu::always_inline]] inline void addBaseThree(const std::uint8_t* codes, std::size_t groupBytes, const std::int8_t* values,
                                                std::size_t stride, int columns, Sums (&sums)[G][R]) {
  __m512i all[G][R];
#pragma GCC unroll 8
  for (int i = 0; i < R; i++)
#pragma GCC unroll 2
    for (int g = 0; g < G; g++) all[g][i] = sums[g][i].v;
  std::size_t at = 0;
  for (int c = 0; c < columns; c += kBaseThreeColumns, at += 64) {
    __m512i packed[G];
#pragma GCC unroll 2
    for (int g = 0; g < G; g++) {
      const std::uint8_t* block = codes + g * groupBytes + at;
      prefetch(block, aheadOf<G>(at, groupBytes, kAhead));
      packed[g] = _mm512_loadu_si512(block);
    }
#pragma GCC unroll 5
    for (int j = 0; j < 5; j++) {
      __m512i code[G];
#pragma GCC unroll 2
      for (int g = 0; g < G; g++) {
        code[g] = carried(packed[g]);
        packed[g] = _mm512_add_epi8(packed[g], _mm512_add_epi8(packed[g], packed[g]));
      }
#pragma GCC unroll 8
      for (int i = 0; i < R; i++) {
        const __m512i value = broadcast4(values + i * stride + c + 4 * j);
#pragma GCC unroll 2
        for (int g = 0; g < G; g++) {
          __m512i sum = _mm512_dpbusd_epi32(all[g][i], code[g], value);
          keep(sum);
          all[g][i] = sum;
        }
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < R; i++)
#pragma GCC unroll 2
    for (int g = 0; g < G; g++) sums[g][i].v = all[g][i];
}

template <int G, int R>
[[gnu::always_inline]] inline void addInt8(const std::int8_t* weights, std::size_t groupBytes, const std::int8_t* values,
                                           std::size_t stride, int from, int to, Sums (&sums)[G][R]) {
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80));  // a signed byte plus 128
  for (int c = from; c < to; c += 4) {
    __m512i weight[G];
#pragma GCC unroll 2
    for (int g = 0; g < G; g++) {
      const std::int8_t* block = weights + g * groupBytes + static_cast<std::size_t>(c) * 16;
      prefetch(block, aheadOf<G>(static_cast<std::size_t>(c) * 16, groupBytes, kAhead));
      weight[g] = _mm512_xor_si512(_mm512_loadu_si512(block), flip);
    }
#pragma GCC unroll 8
    for (int i = 0; i < R; i++) {
      const __m512i value = broadcast4(values + i * stride + c);
#pragma GCC unroll 2
      for (int g = 0; g < G; g++) {
        __m512i sum = _mm512_dpbusd_epi32(sums[g][i].v, weight[g], value);
        keep(sum);
        sums[g][i].v = sum;
      }
    }
  }
}

#include "kernels/integer_kernels.h"

const KernelSet kKernels = {
    "avx512vnni", ternary, int8, dense<Lanes>, rmsNorm<Lanes>, quantise<Lanes>, glu<Lanes>, toHalf<Lanes>, roundToHalf<Lanes>, sumOfExp<Lanes>, attend<Lanes>,
};

}  // namespace avx512vnni

const KernelSet* avx512vnniKernels() { return &avx512vnni::kKernels; }

}  // namespace shard

#else

namespace shard {
const KernelSet* avx512vnniKernels() { return nullptr; }
}  // namespace shard

#endif
