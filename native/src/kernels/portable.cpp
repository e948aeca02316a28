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

struct Sums {
  std::int32_t v[16] = {};
  static Sums span(const std::int32_t* from, const std::int32_t* to) {
    Sums out;
    for (std::int32_t& sum : out.v) sum = *from - *to;
    return out;
  }
  Lanes lanes() const { return Lanes::each([&](int i) { return static_cast<float>(v[i]); }); }
};

constexpr int kGroupsAtOnce = 1;
constexpr int kTernaryRows = 1;
constexpr int kInt8Rows = 1;
Sums int8Offset(const Sums&) { return Sums(); }

template <int G, int R>
void addTernary(const std::uint8_t* codes, std::size_t, const std::int8_t* values, std::size_t, int from, int to,
                Sums (&sums)[G][R]) {
  for (int c = from; c < to; c += 16) {
    const std::uint8_t* block = codes + static_cast<std::size_t>(c) * 4;
    for (int j = 0; j < 4; j++)
      for (int r = 0; r < 16; r++)
        for (int i = 0; i < 4; i++) sums[0][0].v[r] += ((block[4 * r + i] >> (2 * j)) & 3) * values[c + 4 * j + i];
  }
}

template <int G, int R>
void addBaseThree(const std::uint8_t* codes, std::size_t, const std::int8_t* values, std::size_t, int columns, Sums (&sums)[G][R]) {
  for (int c = 0; c < columns; c += kBaseThreeColumns, codes += 64) {
    for (int r = 0; r < 16; r++)
      for (int i = 0; i < 4; i++) {
        unsigned left = codes[4 * r + i] ^ 0x80u;
        for (int j = 0; j < 5; j++, left = left * 3 % 256) {
          const int code = static_cast<int>(left * 3 / 256), column = c + 4 * j + i;
          sums[0][0].v[r] += code * values[column];
        }
      }
  }
}

template <int G, int R>
void addInt8(const std::int8_t* weights, std::size_t, const std::int8_t* values, std::size_t, int from, int to,
             Sums (&sums)[G][R]) {
  for (int c = from; c < to; c += 4) {
    const std::int8_t* block = weights + static_cast<std::size_t>(c) * 16;
    for (int r = 0; r < 16; r++)
      for (int i = 0; i < 4; i++) sums[0][0].v[r] += block[4 * r + i] * values[c + i];
  }
}

#include "kernels/integer_kernels.h"

}  // namespace portable

const KernelSet kPortableKernels = {
    "portable",
    portable::ternary,
    portable::int8,
    portable::dense<portable::Lanes>,
    portable::rmsNorm<portable::Lanes>,
    portable::quantise<portable::Lanes>,
    portable::glu<portable::Lanes>,
    portable::toHalf<portable::Lanes>,
    portable::roundToHalf<portable::Lanes>,
    portable::sumOfExp<portable::Lanes>,
    portable::attend<portable::Lanes>,
};

}  // namespace shard
