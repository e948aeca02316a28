// What the kernel sets with 256-bit registers share: 16 lanes in two registers, floats and integers.
// Included by each of them inside its own namespace, before float_kernels.h. No standard library templates here: see there.

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

/** Bytes between what is read and what is fetched: a page on, where processors' own prefetching stops. */
constexpr std::size_t kAhead = 4096;

struct Sums {
  __m256i lo, hi;  // rows 0–7 and 8–15
  static Sums span(const std::int32_t* from, const std::int32_t* to) {
    const __m256i all = _mm256_sub_epi32(_mm256_set1_epi32(*from), _mm256_set1_epi32(*to));
    return {all, all};
  }
  Lanes lanes() const { return {_mm256_cvtepi32_ps(lo), _mm256_cvtepi32_ps(hi)}; }
};

/** The digit that three times x would carry out, x = byte + 128: x ≥ 256 / 3, and x ≥ 512 / 3. */
inline __m256i carried(__m256i x) {
  return _mm256_abs_epi8(_mm256_add_epi8(_mm256_cmpgt_epi8(x, _mm256_set1_epi8(-43)), _mm256_cmpgt_epi8(x, _mm256_set1_epi8(42))));
}
