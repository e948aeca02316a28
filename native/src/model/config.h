// The shape of a model, as its metadata tell it.
#pragma once

#include <cstdint>
#include <string>

#include "gguf/gguf.h"
#include "kernels/kernels.h"

namespace shard {

/** BitNet b1.58: ternary products, sub-norms before the output and the down projection, tied or own head. */
struct ModelConfig {
  std::string name;
  std::string architecture;  // as in the file
  Glu glu = Glu::Silu;
  int layers = 0;
  int width = 0;    // embedding length
  int inner = 0;    // feed-forward length
  int heads = 0;
  int kvHeads = 0;
  int headDim = 0;  // even, a multiple of 16
  int vocab = 0;
  int context = 0;
  double ropeBase = 10000.0;
  double ropeScale = 1.0;  // positions are divided by it
  float epsilon = 1e-5f;

  int queryWidth() const { return heads * headDim; }
  int kvWidth() const { return kvHeads * headDim; }
};

/** @throws GGUF_UNSUPPORTED for other architectures, GGUF_INVALID for shapes that cannot be. */
ModelConfig readConfig(const Gguf& file);

}  // namespace shard
