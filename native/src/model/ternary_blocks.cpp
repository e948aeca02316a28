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

std::uint32_t word(const std::uint8_t* p) {
  return static_cast<std::uint32_t>(p[0]) | static_cast<std::uint32_t>(p[1]) << 8 | static_cast<std::uint32_t>(p[2]) << 16 |
         static_cast<std::uint32_t>(p[3]) << 24;
}

void put(std::uint32_t codes, std::uint8_t* to) {
  for (int i = 0; i < 4; i++) to[i] = static_cast<std::uint8_t>(codes >> (8 * i));
}

/** Bits 2j and 2j + 1 of byte i change places with 2i and 2i + 1 of byte j. */
std::uint32_t transposed(std::uint32_t codes) {
  std::uint32_t differ = ((codes >> 6) ^ codes) & 0x00cc00ccu;
  codes ^= differ ^ (differ << 6);
  differ = ((codes >> 12) ^ codes) & 0x0000f0f0u;
  return codes ^ differ ^ (differ << 12);
}

void packQ2(const std::uint8_t* block, std::uint8_t* to, int weights) {
  for (int c = 0; c < weights; c += 16, to += kPackedStride) put(transposed(word(block + 2 + c / 4)), to);
}

/** 16 columns whose codes lie at the same bits of 16 bytes. */
void packPlane(const std::uint8_t* bytes, int shift, std::uint8_t* to) {
  std::uint32_t codes = 0;
  for (int j = 0; j < 4; j++) codes |= ((word(bytes + 4 * j) >> shift) & 0x03030303u) << (2 * j);
  put(codes, to);
}

void packTQ2(const std::uint8_t* block, std::uint8_t* to) {
  for (int c = 0; c < 256; c += 16, to += kPackedStride) packPlane(block + c / 128 * 32 + c % 32, c / 32 % 4 * 2, to);
}

void packI2S(const std::uint8_t* block, std::uint8_t* to) {
  for (int c = 0; c < 128; c += 16, to += kPackedStride) packPlane(block + c % 32, 6 - c / 32 * 2, to);
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

bool packsDirectly(TensorType type) { return isTernary(type) && type != TensorType::TQ1_0; }

std::uint16_t packTernaryBlock(TensorType type, const std::uint8_t* block, std::uint8_t* to) {
  switch (type) {
    case TensorType::TQ2_0: packTQ2(block, to); return half(block + 64);
    case TensorType::Q2_0: packQ2(block, to, 64); return half(block);
    case TensorType::Q2_0_Of128: packQ2(block, to, 128); return half(block);
    default: packI2S(block, to); return 0;
  }
}

}  // namespace shard
