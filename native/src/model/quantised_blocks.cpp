#include "model/quantised_blocks.h"

#include <cmath>
#include <cstring>

#include "support/half.h"

namespace shard {
namespace {

float half(const std::uint8_t* p) {
  std::uint16_t out;
  std::memcpy(&out, p, 2);
  return halfToFloat(out);
}

/** The scale, then 32 bytes. */
float decodeQ8(const std::uint8_t* block, std::int8_t* codes, float* scales) {
  std::memcpy(codes, block + 2, 32);
  return scales[0] = half(block);
}

/** The scale, then 16 bytes: weights 0–15 in their low halves, 16–31 in their high ones; 8 is zero. */
float decodeQ4(const std::uint8_t* block, std::int8_t* codes, float* scales) {
  for (int i = 0; i < 16; i++) {
    codes[i] = static_cast<std::int8_t>((block[2 + i] & 15) - 8);
    codes[16 + i] = static_cast<std::int8_t>((block[2 + i] >> 4) - 8);
  }
  return scales[0] = half(block);
}

/**
 * 128 bytes of low halves, 64 of upper bit pairs, 16 signed scales, then the scale of them all. Each half of 128 weights takes
 * 64 and 32 bytes, in four quarters of 32 weights; 32 is zero.
 */
float decodeQ6(const std::uint8_t* block, std::int8_t* codes, float* scales) {
  for (int i = 0; i < 256; i++) {
    const int side = i / 128, quarter = i / 32 % 4, l = i % 32;
    const int low = (block[side * 64 + (quarter & 1) * 32 + l] >> (quarter >= 2 ? 4 : 0)) & 15;
    const int high = (block[128 + side * 32 + l] >> (2 * quarter)) & 3;
    codes[i] = static_cast<std::int8_t>((low | high << 4) - 32);
  }
  const float scale = half(block + 208);
  for (int i = 0; i < 16; i++) scales[i] = scale * static_cast<float>(static_cast<std::int8_t>(block[192 + i]));
  return scale;
}

}  // namespace

bool decodeQuantised(TensorType type, const std::uint8_t* block, std::int8_t* codes, float* scales) {
  switch (type) {
    case TensorType::Q4_0: return std::isfinite(decodeQ4(block, codes, scales));
    case TensorType::Q8_0: return std::isfinite(decodeQ8(block, codes, scales));
    default: return std::isfinite(decodeQ6(block, codes, scales));
  }
}

}  // namespace shard
