// How positions become angles: the twin of shared/engine/rope.ts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gguf/gguf.h"

namespace shard {

struct Yarn {
  double originalContext = 0;  // that the model was first trained with
  double fast = 32;            // pairs that turn more often within it keep their speed
  double slow = 1;             // pairs that turn less often slow down by the whole scale
};

struct Rope {
  double base = 10000.0;
  double scale = 1.0;  // positions are divided by it; with YaRN, those of slow pairs alone
  std::optional<Yarn> yarn;
};

/** @param prefix `<architecture>.rope.` @throws GGUF_INVALID, GGUF_UNSUPPORTED */
Rope readRope(const Gguf& file, const std::string& prefix, int context);

struct Rotation {
  std::vector<double> frequencies;  // angle of a pair per position [width / 2]
  double magnitude = 1.0;           // by which sines and cosines are multiplied
};

/** As llama.cpp defines them. `factors`: by which pairs are slowed down (llama3's scaling), or nullptr. */
Rotation rotationOf(const Rope& rope, int width, const float* factors);

}  // namespace shard
