// Types of llama.cpp whose weights are whole numbers of at most 8 bits times a scale: Q4_0, Q8_0, Q6_K.
#pragma once

#include <cstdint>

#include "gguf/tensor_type.h"

namespace shard {

/** Columns that share a scale once decoded. */
inline int quantisedScaleColumns(TensorType type) { return type == TensorType::Q6_K ? 16 : 32; }

/**
 * Decodes one block: a weight is codes[i] · scales[i / quantisedScaleColumns]. Scales are exact (11 bits times 8 at most),
 * and so are the products in float32. @returns whether they are finite
 */
bool decodeQuantised(TensorType type, const std::uint8_t* block, std::int8_t* codes, float* scales);

}  // namespace shard
