// The tensor types that this engine reads, with their block shapes.
#pragma once

#include <cstdint>

namespace shard {

enum class TensorType : std::uint32_t {
  F32 = 0,
  F16 = 1,
  Q4_0 = 2,
  Q8_0 = 8,
  Q6_K = 14,
  BF16 = 30,
  TQ1_0 = 34,
  TQ2_0 = 35,
  I2_S = 36,  // bitnet.cpp's number for it
  Q2_0 = 42,  // groups of 64 weights, two bits each
  /** The same number in older files, with groups of 128: no number of the format, see gguf/q2_groups.h. */
  Q2_0_Of128 = 0xffff002a,
};

struct BlockShape {
  const char* name;
  std::uint32_t weights;  // per block; a row is a whole number of blocks
  std::uint32_t bytes;    // per block
  std::uint32_t tail;     // bytes after the last block of the tensor
};

/** nullptr for types that this engine does not read. */
inline const BlockShape* blockShape(TensorType type) {
  static constexpr BlockShape kF32{"F32", 1, 4, 0}, kF16{"F16", 1, 2, 0}, kQ4{"Q4_0", 32, 18, 0}, kQ8{"Q8_0", 32, 34, 0},
      kQ6{"Q6_K", 256, 210, 0}, kBF16{"BF16", 1, 2, 0}, kTQ1{"TQ1_0", 256, 54, 0}, kTQ2{"TQ2_0", 256, 66, 0},
      kI2S{"I2_S", 128, 32, 32}, kQ2{"Q2_0", 64, 18, 0}, kQ2Of128{"Q2_0", 128, 34, 0};
  switch (type) {
    case TensorType::F32: return &kF32;
    case TensorType::F16: return &kF16;
    case TensorType::Q4_0: return &kQ4;
    case TensorType::Q8_0: return &kQ8;
    case TensorType::Q6_K: return &kQ6;
    case TensorType::BF16: return &kBF16;
    case TensorType::TQ1_0: return &kTQ1;
    case TensorType::TQ2_0: return &kTQ2;
    case TensorType::I2_S: return &kI2S;
    case TensorType::Q2_0: return &kQ2;
    case TensorType::Q2_0_Of128: return &kQ2Of128;
  }
  return nullptr;
}

inline bool isTernary(TensorType type) {
  return type == TensorType::TQ1_0 || type == TensorType::TQ2_0 || type == TensorType::I2_S ||
         type == TensorType::Q2_0 || type == TensorType::Q2_0_Of128;
}

/** One value after the other, without blocks. */
inline bool isFloat(TensorType type) {
  return type == TensorType::F32 || type == TensorType::F16 || type == TensorType::BF16;
}

}  // namespace shard
