// NEON kernels with the dot-product extension: 16 lanes in four registers, four int8 products a lane in one instruction.
#include "kernels/kernels.h"

#if (defined(__aarch64__) || defined(_M_ARM64)) && defined(__ARM_FEATURE_DOTPROD)

#include <arm_neon.h>
#include <math.h>

namespace shard {
namespace neon {

struct Lanes {
  static constexpr bool kWide = false;
  float32x4_t v[4];

  template <typename F>
  static inline Lanes each(F f) {
    return {{f(0), f(1), f(2), f(3)}};
  }
  static Lanes set(float x) {
    return each([=](int) { return vdupq_n_f32(x); });
  }
  static Lanes load(const float* p) {
    return each([=](int i) { return vld1q_f32(p + 4 * i); });
  }
  static Lanes loadHalf(const std::uint16_t* p) {
    return each([=](int i) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p + 4 * i))); });
  }
  static Lanes loadBf16(const std::uint16_t* p) {
    return each([=](int i) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p + 4 * i), 16)); });
  }
  static Lanes loadInt8(const std::int8_t* p) {
    const int8x16_t all = vld1q_s8(p);
    const int16x8_t low = vmovl_s8(vget_low_s8(all)), high = vmovl_s8(vget_high_s8(all));
    return {{vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))), vcvtq_f32_s32(vmovl_s16(vget_high_s16(low))),
             vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))), vcvtq_f32_s32(vmovl_s16(vget_high_s16(high)))}};
  }
  static Lanes fma(Lanes a, Lanes b, Lanes c) {
    return each([&](int i) { return vfmaq_f32(c.v[i], a.v[i], b.v[i]); });
  }
  static Lanes add(Lanes a, Lanes b) {
    return each([&](int i) { return vaddq_f32(a.v[i], b.v[i]); });
  }
  static Lanes sub(Lanes a, Lanes b) {
    return each([&](int i) { return vsubq_f32(a.v[i], b.v[i]); });
  }
  static Lanes mul(Lanes a, Lanes b) {
    return each([&](int i) { return vmulq_f32(a.v[i], b.v[i]); });
  }
  static Lanes div(Lanes a, Lanes b) {
    return each([&](int i) { return vdivq_f32(a.v[i], b.v[i]); });
  }
  // Not fmax and fmin: those return NaN, or for two zeros a sign of their own.
  static Lanes max(Lanes a, Lanes b) {
    return each([&](int i) { return vbslq_f32(vcgtq_f32(a.v[i], b.v[i]), a.v[i], b.v[i]); });
  }
  static Lanes min(Lanes a, Lanes b) {
    return each([&](int i) { return vbslq_f32(vcltq_f32(a.v[i], b.v[i]), a.v[i], b.v[i]); });
  }
  static Lanes abs(Lanes a) {
    return each([&](int i) { return vabsq_f32(a.v[i]); });
  }
  static Lanes scaleByPowerOfTwo(Lanes value, Lanes shifted) {
    return each([&](int i) {
      const int32x4_t exponent = vaddq_s32(vreinterpretq_s32_f32(shifted.v[i]), vdupq_n_s32(127));
      return vmulq_f32(value.v[i], vreinterpretq_f32_s32(vshlq_n_s32(exponent, 23)));
    });
  }
  static Lanes zeroWhereBelow(Lanes value, Lanes x, Lanes limit) {
    return each([&](int i) {
      const uint32x4_t below = vcltq_f32(x.v[i], limit.v[i]);
      return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(value.v[i]), below));
    });
  }
  void store(float* p) const {
    for (int i = 0; i < 4; i++) vst1q_f32(p + 4 * i, v[i]);
  }
  void storeHalf(std::uint16_t* p) const {
    for (int i = 0; i < 4; i++) vst1_u16(p + 4 * i, vreinterpret_u16_f16(vcvt_f16_f32(v[i])));
  }
  void storeInt8(std::int8_t* p) const {
    int16x4_t narrow[4];
    for (int i = 0; i < 4; i++) narrow[i] = vmovn_s32(vcvtnq_s32_f32(v[i]));
    const int8x8_t low = vmovn_s16(vcombine_s16(narrow[0], narrow[1]));
    const int8x8_t high = vmovn_s16(vcombine_s16(narrow[2], narrow[3]));
    vst1q_s8(p, vcombine_s8(low, high));
  }
  float sum() const {
    const float32x4_t four = vaddq_f32(vaddq_f32(v[0], v[2]), vaddq_f32(v[1], v[3]));
    const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
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

/** The codes of columns 4J to 4J + 3 of four rows. */
template <int J>
inline int8x16_t codesOf(uint8x16_t packed) {
  if constexpr (J == 0) return vreinterpretq_s8_u8(vandq_u8(packed, vdupq_n_u8(3)));
  else if constexpr (J == 3) return vreinterpretq_s8_u8(vshrq_n_u8(packed, 6));
  else return vreinterpretq_s8_u8(vandq_u8(vshrq_n_u8(packed, 2 * J), vdupq_n_u8(3)));
}

/** Adds four columns of four rows for R rows of activations; codes are 0 to 3, so their sign does not matter. */
template <int J, int R>
inline void multiply(uint8x16_t packed, const int8x16_t (&value)[R], int quarter, int32x4_t (&acc)[R][4]) {
  const int8x16_t code = codesOf<J>(packed);
  for (int i = 0; i < R; i++) acc[i][quarter] = vdotq_laneq_s32(acc[i][quarter], code, value[i], J);
}

/** Adds Σ code · value over columns [from, to) of one group × R rows; acc[i] holds rows 0–3, 4–7, 8–11, 12–15. */
template <int R>
inline void product(const std::uint8_t* codes, const std::int8_t* values, std::size_t stride, int from, int to,
                    int32x4_t (&acc)[R][4]) {
  for (int c = from; c < to; c += 16) {
    const std::uint8_t* block = codes + static_cast<std::size_t>(c) * 4;
    int8x16_t value[R];
    for (int i = 0; i < R; i++) value[i] = vld1q_s8(values + i * stride + c);
#pragma GCC unroll 4
    for (int q = 0; q < 4; q++) {
      const uint8x16_t packed = vld1q_u8(block + 16 * q);
      multiply<0, R>(packed, value, q, acc);
      multiply<1, R>(packed, value, q, acc);
      multiply<2, R>(packed, value, q, acc);
      multiply<3, R>(packed, value, q, acc);
    }
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
  const int step = x.group != 0 ? x.group : m.scales != nullptr ? m.scaleColumns : m.cols;
  for (int i = 0; i < R; i++) total[i] = Lanes::set(0.0f);
  for (int c = 0; c < m.cols; c += step) {
    int32x4_t acc[R][4];
    for (int i = 0; i < R; i++) {
      const int32x4_t offset = vdupq_n_s32(-sumOf(x.sums + (first + i) * x.sumStride, c, c + step));
      for (int q = 0; q < 4; q++) acc[i][q] = offset;
    }
    product<R>(codes, values, x.stride, c, c + step, acc);
    for (int i = 0; i < R; i++) {
      const Lanes exact = Lanes::each([&](int q) { return vcvtq_f32_s32(acc[i][q]); });
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
    "neon", ternary, dense<Lanes>, rmsNorm<Lanes>, quantise<Lanes>, glu<Lanes>, toHalf<Lanes>, roundToHalf<Lanes>, attend<Lanes>,
};

}  // namespace neon

const KernelSet* neonKernels() { return &neon::kKernels; }

}  // namespace shard

#else

namespace shard {
const KernelSet* neonKernels() { return nullptr; }
}  // namespace shard

#endif
