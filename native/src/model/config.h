// The shape of a model, as its metadata tell it.
#pragma once

#include <cstdint>
#include <string>

#include "gguf/gguf.h"
#include "kernels/kernels.h"
#include "model/rope.h"

namespace shard {

/**
 * What shares a scale when activations are rounded to int8: all of a token's, as BitNet models were trained; or as many
 * columns as a group of the weights has, for models trained with 16-bit activations.
 */
enum class ActivationScales { Usual, Token, Group };

/** Where a family's graph differs from the others'; by name: see config.cpp. */
struct Architecture {
  Glu glu = Glu::Silu;
  bool subNorms = false;       // before the output and the down projection
  bool headNorms = false;      // of every query and key head, before they are rotated
  bool ropeNeighbours = false; // dimensions (2i, 2i + 1) of a head turn together; else (i, i + half)
  ActivationScales activationScales = ActivationScales::Token;
};

struct ModelConfig {
  std::string name;
  std::string architecture;  // as in the file
  Architecture graph;
  int activationGroup = 0;  // columns of activations that share a scale, 64, 128 or 256; 0: all of a token's
  int layers = 0;
  int width = 0;    // embedding length
  int inner = 0;    // feed-forward length
  int heads = 0;
  int kvHeads = 0;
  int headDim = 0;  // even, a multiple of 16
  int vocab = 0;
  int context = 0;
  Rope rope;
  float epsilon = 1e-5f;

  int queryWidth() const { return heads * headDim; }
  int kvWidth() const { return kvHeads * headDim; }
};

/** @param scales instead of the architecture's usual choice. @throws GGUF_UNSUPPORTED for other architectures, GGUF_INVALID for shapes that cannot be. */
ModelConfig readConfig(const Gguf& file, ActivationScales scales);

}  // namespace shard
