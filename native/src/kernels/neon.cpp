// NEON kernels with the dot-product extension: 16 lanes in four registers, four int8 products a lane in one instruction.
#include "kernels/kernels.h"

#if (defined(__aarch64__) || defined(_M_ARM64)) && defined(__ARM_FEATURE_DOTPROD)

#include <arm_neon.h>
#include <math.h>
#include <string.h>

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

/** The codes of columns 4J to 4J + 3 of four rows; they are 0 to 3, so their sign does not matter. */
template <int J>
inline int8x16_t codesOf(uint8x16_t packed) {
  if constexpr (J == 0) return vreinterpretq_s8_u8(vandq_u8(packed, vdupq_n_u8(3)));
  else if constexpr (J == 3) return vreinterpretq_s8_u8(vshrq_n_u8(packed, 6));
  else return vreinterpretq_s8_u8(vandq_u8(vshrq_n_u8(packed, 2 * J), vdupq_n_u8(3)));
}

struct Sums {
  int32x4_t v[4];  // rows 0–3, 4–7, 8–11, 12–15
  static Sums span(const std::int32_t* from, const std::int32_t* to) {
    const int32x4_t all = vdupq_n_s32(*from - *to);
    return {{all, all, all, all}};
  }
  Lanes lanes() const {
    return Lanes::each([&](int q) { return vcvtq_f32_s32(v[q]); });
  }
};

constexpr int kGroupsAtOnce = 1;
constexpr int kTernaryRows = 4;
constexpr int kInt8Rows = 4;
inline Sums int8Offset(Sums) {
  const int32x4_t none = vdupq_n_s32(0);
  return {{none, none, none, none}};
}

/** Adds four columns of four rows for R rows of activations. */
template <int J, int R>
inline void multiply(int8x16_t weights, const int8x16_t (&value)[R], int quarter, Sums (&sums)[1][R]) {
  for (int i = 0; i < R; i++) sums[0][i].v[quarter] = vdotq_laneq_s32(sums[0][i].v[quarter], weights, value[i], J);
}

template <int G, int R>
inline void addTernary(const std::uint8_t* codes, std::size_t, const std::int8_t* values, std::size_t stride, int from, int to,
                       Sums (&sums)[G][R]) {
  static_assert(G == 1, "two groups do not fit into the registers");
  for (int c = from; c < to; c += 16) {
    const std::uint8_t* block = codes + static_cast<std::size_t>(c) * 4;
    int8x16_t value[R];
    for (int i = 0; i < R; i++) value[i] = vld1q_s8(values + i * stride + c);
#pragma GCC unroll 4
    for (int q = 0; q < 4; q++) {
      const uint8x16_t packed = vld1q_u8(block + 16 * q);
      multiply<0, R>(codesOf<0>(packed), value, q, sums);
      multiply<1, R>(codesOf<1>(packed), value, q, sums);
      multiply<2, R>(codesOf<2>(packed), value, q, sums);
      multiply<3, R>(codesOf<3>(packed), value, q, sums);
    }
  }
}

/** The digit that three times x would carry out, x = byte + 128: x ≥ 256 / 3, and x ≥ 512 / 3. */
inline int8x16_t carried(int8x16_t x) {
  const uint8x16_t reached = vaddq_u8(vcgtq_s8(x, vdupq_n_s8(-43)), vcgtq_s8(x, vdupq_n_s8(42)));
  return vnegq_s8(vreinterpretq_s8_u8(reached));
}

template <int G, int R>
inline void addBaseThree(const std::uint8_t* codes, std::size_t, const std::int8_t* values, std::size_t stride, int columns,
                         Sums (&sums)[G][R]) {
  static_assert(G == 1, "two groups do not fit into the registers");
  for (int c = 0; c < columns; c += kBaseThreeColumns, codes += 64) {
    int8x16_t value[R], last[R];  // columns 0–15 and 16–19 of the block
    for (int i = 0; i < R; i++) {
      value[i] = vld1q_s8(values + i * stride + c);
      std::int32_t four;
      memcpy(&four, values + i * stride + c + 16, 4);
      last[i] = vreinterpretq_s8_s32(vdupq_n_s32(four));
    }
#pragma GCC unroll 4
    for (int q = 0; q < 4; q++) {
      int8x16_t packed = vreinterpretq_s8_u8(vld1q_u8(codes + 16 * q));
      const auto next = [&] {
        const int8x16_t code = carried(packed);
        packed = vaddq_s8(packed, vaddq_s8(packed, packed));
        return code;
      };
      multiply<0, R>(next(), value, q, sums);
      multiply<1, R>(next(), value, q, sums);
      multiply<2, R>(next(), value, q, sums);
      multiply<3, R>(next(), value, q, sums);
      multiply<0, R>(next(), last, q, sums);
    }
  }
}

template <int G, int R>
inline void addInt8(const std::int8_t* weights, std::size_t, const std::int8_t* values, std::size_t stride, int from, int to,
                    Sums (&sums)[G][R]) {
  static_assert(G == 1, "two groups do not fit into the registers");
  for (int c = from; c < to; c += 16) {
    const std::int8_t* block = weights + static_cast<std::size_t>(c) * 16;
    int8x16_t value[R];
    for (int i = 0; i < R; i++) value[i] = vld1q_s8(values + i * stride + c);
#pragma GCC unroll 4
    for (int q = 0; q < 4; q++) {
      multiply<0, R>(vld1q_s8(block + 16 * q), value, q, sums);
      multiply<1, R>(vld1q_s8(block + 64 + 16 * q), value, q, sums);
      multiply<2, R>(vld1q_s8(block + 128 + 16 * q), value, q, sums);
      multiply<3, R>(vld1q_s8(block + 192 + 16 * q), value, q, sums);
    }
  }
}

#include "kernels/integer_kernels.h"

const KernelSet kKernels = {
    "neon", ternary, int8, dense<Lanes>, rmsNorm<Lanes>, quantise<Lanes>, glu<Lanes>, toHalf<Lanes>, roundToHalf<Lanes>, sumOfExp<Lanes>, attend<Lanes>,
};

}  // namespace neon

const KernelSet* neonKernels() { return &neon::kKernels; }

}  // namespace shard

#else

namespace shard {
const KernelSet* neonKernels() { return nullptr; }
}  // namespace shard

#endif
