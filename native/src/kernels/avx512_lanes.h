// What the kernel sets with 512-bit registers share: 16 lanes in one register, floats and integers.
// Included by each of them inside its own namespace, before float_kernels.h. No standard library templates here: see there.

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

struct Sums {
  __m512i v;
  static Sums span(const std::int32_t* from, const std::int32_t* to) {
    return {_mm512_sub_epi32(_mm512_set1_epi32(*from), _mm512_set1_epi32(*to))};
  }
  Lanes lanes() const { return {_mm512_cvtepi32_ps(v)}; }
};

/** Bytes between what is read and what is fetched: more than a page on, where processors' own prefetching stops. */
constexpr std::size_t kAhead = 6144;

/** The digit that three times x would carry out, x = byte + 128: x ≥ 256 / 3, and x ≥ 512 / 3. */
inline __m512i carried(__m512i x) {
  const __m512i one = _mm512_maskz_set1_epi8(_mm512_cmpgt_epi8_mask(x, _mm512_set1_epi8(-43)), 1);
  return _mm512_mask_mov_epi8(one, _mm512_cmpgt_epi8_mask(x, _mm512_set1_epi8(42)), _mm512_set1_epi8(2));
}
