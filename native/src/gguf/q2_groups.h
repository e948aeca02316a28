// Which of its two block sizes a file's Q2_0 has.
#pragma once

#include <cstdint>
#include <vector>

#include "gguf/gguf.h"

namespace shard {

/**
 * Q2_0 has meant groups of 128 weights (34 bytes), and means groups of 64 (18 bytes), under one number. A file has one of the
 * two, and its offsets tell which: groups of 128 when a tensor ends too early for groups of 64 and none has room that only
 * groups of 64 explain. The end of the file counts only where no other tensor says anything, and only to the byte, so that
 * a file cut short is not taken for the other kind. `dataBytes`: of the file, behind its header; offsets count from there.
 * The twin of shared/engine/q2-groups.ts.
 */
void settleQ2Groups(std::vector<GgufTensor>& tensors, std::uint64_t dataBytes, std::uint64_t alignment);

}  // namespace shard
