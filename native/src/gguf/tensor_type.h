// The tensor types that this engine reads, with their block shapes.
#pragma once

#include <cstdint>

namespace shard {

enum class TensorType : std::uint32_t {
  F32 = 0,
  F16 = 1,
  BF16 = 30,
  TQ1_0 = 34,
  TQ2_0 = 35,
  I2_S = 36,  // bitnet.cpp's number for it
  Q2_0 = 42,  // groups of 64 weights, two bits each
};

struct BlockShape {
  const char* name;
  std::uint32_t weights;  // per block; a row is a whole number of blocks
  std::uint32_t bytes;    // per block
  std::uint32_t tail;     // bytes after the last block of the tensor
};

/** nullptr for types that this engine does not read. */
inline const BlockShape* blockShape(std::uint32_t type) {
  static constexpr BlockShape kF32{"F32", 1, 4, 0}, kF16{"F16", 1, 2, 0}, kBF16{"BF16", 1, 2, 0},
      kTQ1{"TQ1_0", 256, 54, 0}, kTQ2{"TQ2_0", 256, 66, 0}, kI2S{"I2_S", 128, 32, 32}, kQ2{"Q2_0", 64, 18, 0};
  switch (static_cast<TensorType>(type)) {
    case TensorType::F32: return &kF32;
    case TensorType::F16: return &kF16;
    case TensorType::BF16: return &kBF16;
    case TensorType::TQ1_0: return &kTQ1;
    case TensorType::TQ2_0: return &kTQ2;
    case TensorType::I2_S: return &kI2S;
    case TensorType::Q2_0: return &kQ2;
  }
  return nullptr;
}

inline bool isTernary(TensorType type) {
  return type == TensorType::TQ1_0 || type == TensorType::TQ2_0 || type == TensorType::I2_S || type == TensorType::Q2_0;
}

}  // namespace shard
