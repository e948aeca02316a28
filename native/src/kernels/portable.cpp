// Kernels in plain C++ for any processor: what the others are compared with.
#include <math.h>

#include <cmath>

#include "kernels/kernels.h"
#include "support/half.h"

namespace shard {
namespace portable {

/** 16 lanes as an array. max and min return the second operand when the first is NaN, as x86's do. */
struct Lanes {
  static constexpr bool kWide = false;
  float v[16];

  template <typename F>
  static Lanes each(F f) {
    Lanes out;
    for (int i = 0; i < 16; i++) out.v[i] = f(i);
    return out;
  }
  static Lanes set(float x) { return each([&](int) { return x; }); }
  static Lanes load(const float* p) { return each([&](int i) { return p[i]; }); }
  static Lanes loadHalf(const std::uint16_t* p) { return each([&](int i) { return halfToFloat(p[i]); }); }
  static Lanes loadBf16(const std::uint16_t* p) { return each([&](int i) { return bf16ToFloat(p[i]); }); }
  static Lanes loadInt8(const std::int8_t* p) { return each([&](int i) { return static_cast<float>(p[i]); }); }
  static Lanes fma(const Lanes& a, const Lanes& b, const Lanes& c) {
    return each([&](int i) { return std::fma(a.v[i], b.v[i], c.v[i]); });
  }
  static Lanes add(const Lanes& a, const Lanes& b) { return each([&](int i) { return a.v[i] + b.v[i]; }); }
  static Lanes sub(const Lanes& a, const Lanes& b) { return each([&](int i) { return a.v[i] - b.v[i]; }); }
  static Lanes mul(const Lanes& a, const Lanes& b) { return each([&](int i) { return a.v[i] * b.v[i]; }); }
  static Lanes div(const Lanes& a, const Lanes& b) { return each([&](int i) { return a.v[i] / b.v[i]; }); }
  static Lanes max(const Lanes& a, const Lanes& b) {
    return each([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  static Lanes min(const Lanes& a, const Lanes& b) {
    return each([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
  }
  static Lanes abs(const Lanes& a) { return each([&](int i) { return bitsToFloat(floatToBits(a.v[i]) & 0x7fffffffu); }); }
  /** value · 2^n, where n lies in the low bits of `shifted` = n + 1.5 · 2^23, −126 ≤ n ≤ 127. */
  static Lanes scaleByPowerOfTwo(const Lanes& value, const Lanes& shifted) {
    return each([&](int i) { return value.v[i] * bitsToFloat((floatToBits(shifted.v[i]) + 127u) << 23); });
  }
  static Lanes zeroWhereBelow(const Lanes& value, const Lanes& x, const Lanes& limit) {
    return each([&](int i) { return x.v[i] < limit.v[i] ? 0.0f : value.v[i]; });
  }
  void store(float* p) const {
    for (int i = 0; i < 16; i++) p[i] = v[i];
  }
  void storeHalf(std::uint16_t* p) const {
    for (int i = 0; i < 16; i++) p[i] = floatToHalf(v[i]);
  }
  /** Rounds half to even; values lie within [−128, 127]. */
  void storeInt8(std::int8_t* p) const {
    for (int i = 0; i < 16; i++) p[i] = static_cast<std::int8_t>((v[i] + 12582912.0f) - 12582912.0f);
  }
  /** The lanes' tree: i + (i+8), then + 4, + 2, + 1. */
  float sum() const {
    float t[8];
    for (int i = 0; i < 8; i++) t[i] = v[i] + v[i + 8];
    for (int i = 0; i < 4; i++) t[i] = t[i] + t[i + 4];
    for (int i = 0; i < 2; i++) t[i] = t[i] + t[i + 2];
    return t[0] + t[1];
  }
  float largest() const {
    float out = v[0];
    for (int i = 1; i < 16; i++) out = v[i] > out ? v[i] : out;
    return out;
  }
};

#include "kernels/float_kernels.h"

/** Σ code · value over columns [from, to) of one group of 16 rows. */
void groupProduct(const std::uint8_t* codes, const std::int8_t* values, int from, int to, std::int32_t* sums) {
  for (int c = from; c < to; c += 16) {
    const std::uint8_t* block = codes + static_cast<std::size_t>(c) * 4;
    for (int j = 0; j < 4; j++)
      for (int r = 0; r < 16; r++)
        for (int i = 0; i < 4; i++) sums[r] += ((block[4 * r + i] >> (2 * j)) & 3) * values[c + 4 * j + i];
  }
}

void ternary(const TernaryView& m, const Int8Rows& x, int from, int to, float* out, std::size_t outStride, bool add) {
  const int step = x.group != 0 ? x.group : m.scales != nullptr ? m.scaleColumns : m.cols;
  for (int g = from; g < to; g++) {
    const std::uint8_t* codes = m.codes + static_cast<std::size_t>(g) * m.cols * 4;
    for (int i = 0; i < x.count; i++) {
      const std::int8_t* values = x.values + i * x.stride;
      const std::int32_t* valueSums = x.sums + i * x.sumStride;
      float total[16] = {};
      for (int c = 0; c < m.cols; c += step) {
        std::int32_t offset = 0;
        const int end = c + step < m.cols ? c + step : m.cols;
        for (int k = c; k < end; k += kSumColumns) offset += valueSums[k / kSumColumns];
        std::int32_t sums[16];
        for (int r = 0; r < 16; r++) sums[r] = -offset;
        groupProduct(codes, values, c, end, sums);
        const float own = x.group != 0 ? x.scales[i * x.scaleStride + c / step] : 1.0f;
        if (m.scales != nullptr) {
          const std::uint16_t* scales =
              m.scales + (static_cast<std::size_t>(g) * (m.cols / m.scaleColumns) + c / m.scaleColumns) * 16;
          for (int r = 0; r < 16; r++) {
            total[r] = std::fma(static_cast<float>(sums[r]), halfToFloat(scales[r]) * own, total[r]);
          }
        } else if (x.group != 0) {
          for (int r = 0; r < 16; r++) total[r] = std::fma(static_cast<float>(sums[r]), own, total[r]);
        } else {
          for (int r = 0; r < 16; r++) total[r] = static_cast<float>(sums[r]);
        }
      }
      float* to16 = out + i * outStride + static_cast<std::size_t>(g) * 16;
      for (int r = 0; r < 16; r++) {
        float y = x.group != 0 ? total[r] : total[r] / x.scales[i * x.scaleStride];
        if (m.scales == nullptr) y = y * m.scale;
        to16[r] = add ? to16[r] + y : y;
      }
    }
  }
}

}  // namespace portable

const KernelSet kPortableKernels = {
    "portable",
    portable::ternary,
    portable::dense<portable::Lanes>,
    portable::rmsNorm<portable::Lanes>,
    portable::quantise<portable::Lanes>,
    portable::glu<portable::Lanes>,
    portable::toHalf<portable::Lanes>,
    portable::roundToHalf<portable::Lanes>,
    portable::attend<portable::Lanes>,
};

}  // namespace shard
