// Blocks of ternary tensors as they lie in files. Layouts: native/README.md.
#pragma once

#include <cstdint>

#include "gguf/tensor_type.h"

namespace shard {

/** One block to codes (weight + 1; 3 for +2 in Q2_0). @returns its f16 scale; 0 for I2_S, which has one a tensor. */
std::uint16_t decodeTernaryBlock(TensorType type, const std::uint8_t* block, std::uint8_t* codes);

}  // namespace shard
