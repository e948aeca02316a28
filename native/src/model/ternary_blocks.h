// Blocks of ternary tensors as they lie in files. Layouts: native/README.md.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gguf/tensor_type.h"

namespace shard {

/** One block to codes (weight + 1; 3 for +2 in Q2_0). @returns its f16 scale; 0 for I2_S, which has one a tensor. */
std::uint16_t decodeTernaryBlock(TensorType type, const std::uint8_t* block, std::uint8_t* codes);

/** Bytes from one row's four to its next in a group of packed weights: see model/ternary_matrix.h. */
constexpr std::size_t kPackedStride = 64;

/** Whether packTernaryBlock() knows the type. */
bool packsDirectly(TensorType type);

/**
 * The same codes as two bits each, at once in the places where a packed row has them: four bytes every kPackedStride for 16
 * columns. @returns the scale in f16, 0 for I2_S
 */
std::uint16_t packTernaryBlock(TensorType type, const std::uint8_t* block, std::uint8_t* to);

}  // namespace shard
