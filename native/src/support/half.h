// IEEE half precision in plain C++, round to nearest even: equal, bit for bit, to F16C's conversions.
#pragma once

#include <cstdint>
#include <cstring>

namespace shard {

static inline float bitsToFloat(std::uint32_t bits) {
  float out;
  std::memcpy(&out, &bits, 4);
  return out;
}

static inline std::uint32_t floatToBits(float value) {
  std::uint32_t out;
  std::memcpy(&out, &value, 4);
  return out;
}

static inline float halfToFloat(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t rest = half & 0x7fffu;
  if (rest >= 0x7c00u) {  // infinity and NaN; NaN becomes quiet
    const std::uint32_t quiet = rest > 0x7c00u ? 0x400000u : 0u;
    return bitsToFloat(sign | 0x7f800000u | ((rest & 0x3ffu) << 13) | quiet);
  }
  if (rest >= 0x400u) return bitsToFloat(sign | ((rest << 13) + 0x38000000u));
  const float magnitude = static_cast<float>(rest) * 0x1p-24f;  // zero and subnormal: exact
  return bitsToFloat(sign | floatToBits(magnitude));
}

static inline std::uint16_t floatToHalf(float value) {
  const std::uint32_t bits = floatToBits(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
  if (magnitude >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);  // from 65520 on: infinity
  if (magnitude < 0x38800000u) {  // subnormal half: adding 0.5 leaves the rounded multiple of 2^-24 in the low bits
    const float shifted = bitsToFloat(magnitude) + 0.5f;
    return static_cast<std::uint16_t>(sign | (floatToBits(shifted) - 0x3f000000u));
  }
  const std::uint32_t odd = (magnitude >> 13) & 1u;
  return static_cast<std::uint16_t>(sign | ((magnitude - 0x38000000u + 0xfffu + odd) >> 13));
}

static inline float bf16ToFloat(std::uint16_t value) { return bitsToFloat(static_cast<std::uint32_t>(value) << 16); }

}  // namespace shard
