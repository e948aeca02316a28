#include "model/ternary_blocks.h"

#include <cstring>

namespace shard {
namespace {

void decodeTQ2(const std::uint8_t* block, std::uint8_t* codes) {
  for (int half = 0; half < 2; half++)
    for (int level = 0; level < 4; level++)
      for (int p = 0; p < 32; p++) codes[half * 128 + level * 32 + p] = (block[half * 32 + p] >> (2 * level)) & 3;
}

std::uint8_t trit(std::uint8_t byte, int index) {
  static constexpr std::uint8_t kPower[5] = {1, 3, 9, 27, 81};
  const auto shifted = static_cast<std::uint8_t>(byte * kPower[index]);
  return static_cast<std::uint8_t>((shifted * 3u) >> 8);
}

void decodeTQ1(const std::uint8_t* block, std::uint8_t* codes) {
  for (int n = 0; n < 5; n++)
    for (int m = 0; m < 32; m++) codes[n * 32 + m] = trit(block[m], n);
  for (int n = 0; n < 5; n++)
    for (int m = 0; m < 16; m++) codes[160 + n * 16 + m] = trit(block[32 + m], n);
  for (int n = 0; n < 4; n++)
    for (int m = 0; m < 4; m++) codes[240 + n * 4 + m] = trit(block[48 + m], n);
}

void decodeI2S(const std::uint8_t* block, std::uint8_t* codes) {
  for (int part = 0; part < 4; part++)
    for (int p = 0; p < 32; p++) codes[part * 32 + p] = (block[p] >> (6 - 2 * part)) & 3;
}

void decodeQ2(const std::uint8_t* block, std::uint8_t* codes, int weights) {
  for (int j = 0; j < weights; j++) codes[j] = (block[2 + j / 4] >> (2 * (j % 4))) & 3;
}

std::uint16_t half(const std::uint8_t* p) {
  std::uint16_t out;
  std::memcpy(&out, p, 2);
  return out;
}

}  // namespace

std::uint16_t decodeTernaryBlock(TensorType type, const std::uint8_t* block, std::uint8_t* codes) {
  switch (type) {
    case TensorType::TQ2_0: decodeTQ2(block, codes); return half(block + 64);
    case TensorType::TQ1_0: decodeTQ1(block, codes); return half(block + 52);
    case TensorType::Q2_0: decodeQ2(block, codes, 64); return half(block);
    case TensorType::Q2_0_Of128: decodeQ2(block, codes, 128); return half(block);
    default: decodeI2S(block, codes); return 0;
  }
}

}  // namespace shard
