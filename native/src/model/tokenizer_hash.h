// What two models must share to draft for each other.
#pragma once

#include <string>

#include "gguf/gguf.h"

namespace shard {

/**
 * SHA-256 (hex) over every token that is neither special nor padding, by ascending id: id as u32, length in bytes as
 * u32 (both little endian), bytes. Only tokens of type 1 (normal) and 6 (byte) count; without types all do. Tokens of
 * GPT-2 vocabularies are mapped back to the bytes that their letters stand for.
 */
std::string tokenizerHash(const Gguf& file, int vocab);

}  // namespace shard
