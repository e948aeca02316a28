// AVX-512 kernels with VNNI: 16 lanes in one register, four int8 products a lane in one instruction.
#include "kernels/kernels.h"

#if defined(__AVX512F__) && defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__)

#include <immintrin.h>
#include <math.h>
#include <string.h>

namespace shard {
namespace avx512vnni {

struct Lanes {
  static constexpr bool kWide = true;
  __m512 v;

  static Lanes set(float x) { return {_mm512_set1_ps(x)}; }
  static Lanes load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Lanes loadHalf(const std::uint16_t* p) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
  }
  static Lanes loadBf16(const std::uint16_t* p) {
    const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(wide, 16))};
  }
  static Lanes loadInt8(const std::int8_t* p) {
    return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
  }
  static Lanes fma(Lanes a, Lanes b, Lanes c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  static Lanes add(Lanes a, Lanes b) { return {_mm512_add_ps(a.v, b.v)}; }
  static Lanes sub(Lanes a, Lanes b) { return {_mm512_sub_ps(a.v, b.v)}; }
  static Lanes mul(Lanes a, Lanes b) { return {_mm512_mul_ps(a.v, b.v)}; }
  static Lanes div(Lanes a, Lanes b) { return {_mm512_div_ps(a.v, b.v)}; }
  static Lanes max(Lanes a, Lanes b) { return {_mm512_max_ps(a.v, b.v)}; }
  static Lanes min(Lanes a, Lanes b) { return {_mm512_min_ps(a.v, b.v)}; }
  static Lanes abs(Lanes a) {
    return {_mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(a.v), _mm512_set1_epi32(0x7fffffff)))};
  }
  static Lanes scaleByPowerOfTwo(Lanes value, Lanes shifted) {
    const __m512i exponent =
        _mm512_slli_epi32(_mm512_add_epi32(_mm512_castps_si512(shifted.v), _mm512_set1_epi32(127)), 23);
    return {_mm512_mul_ps(value.v, _mm512_castsi512_ps(exponent))};
  }
  static Lanes zeroWhereBelow(Lanes value, Lanes x, Lanes limit) {
    const __mmask16 below = _mm512_cmp_ps_mask(x.v, limit.v, _CMP_LT_OQ);
    return {_mm512_maskz_mov_ps(static_cast<__mmask16>(~below), value.v)};
  }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
  void storeHalf(std::uint16_t* p) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }
  void storeInt8(std::int8_t* p) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v)));
  }
  float sum() const {
    const __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(v), 1));
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), high);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  float largest() const {
    float all[16];
    _mm512_storeu_ps(all, v);
    float out = all[0];
    for (int i = 1; i < 16; i++) out = all[i] > out ? all[i] : out;
    return out;
  }
};

#include "kernels/float_kernels.h"

inline __m512i broadcast4(const std::int8_t* p) {
  std::int32_t four;
  memcpy(&four, p, 4);
  return _mm512_set1_epi32(four);
}

/** Adds Σ code · value over columns [from, to) of G groups × R rows of activations. */
template <int G, int R>
inline void product(const std::uint8_t* codes, std::size_t groupBytes, const std::int8_t* values, std::size_t stride,
                    int from, int to, __m512i (&acc)[G][R]) {
  const __m512i mask = _mm512_set1_epi8(3);
  for (int c = from; c < to; c += 16) {
    __m512i packed[G];
    for (int g = 0; g < G; g++) packed[g] = _mm512_loadu_si512(codes + g * groupBytes + static_cast<std::size_t>(c) * 4);
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
      __m512i code[G];
      for (int g = 0; g < G; g++) code[g] = _mm512_and_si512(_mm512_srli_epi16(packed[g], 2 * j), mask);
      for (int i = 0; i < R; i++) {
        const __m512i value = broadcast4(values + i * stride + c + 4 * j);
        for (int g = 0; g < G; g++) acc[g][i] = _mm512_dpbusd_epi32(acc[g][i], code[g], value);
      }
    }
  }
}

inline std::int32_t sumOf(const std::int32_t* sums, int from, int to) {
  std::int32_t out = 0;
  for (int k = from / kSumColumns; k < to / kSumColumns; k++) out += sums[k];
  return out;
}

template <int G, int R>
void tile(const TernaryView& m, const Int8Rows& x, int group, int first, float* out, std::size_t outStride, bool add) {
  const std::size_t groupBytes = static_cast<std::size_t>(m.cols) * 4;
  const std::uint8_t* codes = m.codes + group * groupBytes;
  const std::int8_t* values = x.values + first * x.stride;
  __m512 total[G][R];
  __m512i acc[G][R];
  if (m.scales == nullptr && x.group == 0) {
    for (int i = 0; i < R; i++) {
      const __m512i offset = _mm512_set1_epi32(-sumOf(x.sums + (first + i) * x.sumStride, 0, m.cols));
      for (int g = 0; g < G; g++) acc[g][i] = offset;
    }
    product<G, R>(codes, groupBytes, values, x.stride, 0, m.cols, acc);
    for (int g = 0; g < G; g++)
      for (int i = 0; i < R; i++) total[g][i] = _mm512_cvtepi32_ps(acc[g][i]);
  } else {
    const int step = x.group != 0 ? x.group : m.scaleColumns;
    const std::size_t scaleStride = m.scales != nullptr ? static_cast<std::size_t>(m.cols / m.scaleColumns) * 16 : 0;
    for (int g = 0; g < G; g++)
      for (int i = 0; i < R; i++) total[g][i] = _mm512_setzero_ps();
    for (int c = 0; c < m.cols; c += step) {
      for (int i = 0; i < R; i++) {
        const __m512i offset = _mm512_set1_epi32(-sumOf(x.sums + (first + i) * x.sumStride, c, c + step));
        for (int g = 0; g < G; g++) acc[g][i] = offset;
      }
      product<G, R>(codes, groupBytes, values, x.stride, c, c + step, acc);
      for (int g = 0; g < G; g++) {
        __m512 scale = _mm512_set1_ps(1.0f);
        if (m.scales != nullptr) scale = Lanes::loadHalf(m.scales + (group + g) * scaleStride + c / m.scaleColumns * 16).v;
        for (int i = 0; i < R; i++) {
          __m512 both = scale;
          if (x.group != 0) both = _mm512_mul_ps(scale, _mm512_set1_ps(x.scales[(first + i) * x.scaleStride + c / step]));
          total[g][i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(acc[g][i]), both, total[g][i]);
        }
      }
    }
  }
  for (int i = 0; i < R; i++) {
    for (int g = 0; g < G; g++) {
      __m512 y = total[g][i];
      if (x.group == 0) y = _mm512_div_ps(y, _mm512_set1_ps(x.scales[(first + i) * x.scaleStride]));
      if (m.scales == nullptr) y = _mm512_mul_ps(y, _mm512_set1_ps(m.scale));
      float* to = out + (first + i) * outStride + static_cast<std::size_t>(group + g) * 16;
      if (add) y = _mm512_add_ps(_mm512_loadu_ps(to), y);
      _mm512_storeu_ps(to, y);
    }
  }
}

template <int G>
void rows(const TernaryView& m, const Int8Rows& x, int group, float* out, std::size_t outStride, bool add) {
  int i = 0;
  for (; i + 8 <= x.count; i += 8) tile<G, 8>(m, x, group, i, out, outStride, add);
  switch (x.count - i) {
    case 1: tile<G, 1>(m, x, group, i, out, outStride, add); break;
    case 2: tile<G, 2>(m, x, group, i, out, outStride, add); break;
    case 3: tile<G, 3>(m, x, group, i, out, outStride, add); break;
    case 4: tile<G, 4>(m, x, group, i, out, outStride, add); break;
    case 5: tile<G, 5>(m, x, group, i, out, outStride, add); break;
    case 6: tile<G, 6>(m, x, group, i, out, outStride, add); break;
    case 7: tile<G, 7>(m, x, group, i, out, outStride, add); break;
    default: break;
  }
}

void ternary(const TernaryView& m, const Int8Rows& x, int from, int to, float* out, std::size_t outStride, bool add) {
  int g = from;
  for (; g + 2 <= to; g += 2) rows<2>(m, x, g, out, outStride, add);
  for (; g < to; g++) rows<1>(m, x, g, out, outStride, add);
}

const KernelSet kKernels = {
    "avx512vnni", ternary, dense<Lanes>, rmsNorm<Lanes>, quantise<Lanes>, glu<Lanes>, toHalf<Lanes>, roundToHalf<Lanes>, attend<Lanes>,
};

}  // namespace avx512vnni

const KernelSet* avx512vnniKernels() { return &avx512vnni::kKernels; }

}  // namespace shard

#else

namespace shard {
const KernelSet* avx512vnniKernels() { return nullptr; }
}  // namespace shard

#endif
