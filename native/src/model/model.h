// A model in memory: its shape, its weights and what is known of its tokenizer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/config.h"
#include "model/matrix.h"

namespace shard {

using Gain = AlignedBuffer<float>;  // a norm's weights, zero-padded to a multiple of 64; empty where there is no such norm

struct Layer {
  Gain attnNorm;         // [width]
  Matrix q, k, v;        // [heads · headDim | kvHeads · headDim][width]
  Gain qNorm, kNorm;     // [headDim]
  Gain attnSubNorm;      // [heads · headDim]
  Matrix attnOutput;     // [width][heads · headDim]
  Gain ffnNorm;          // [width]
  Matrix gate, up;       // [inner][width]
  Gain ffnSubNorm;       // [inner]
  Matrix down;           // [width][inner]
};

struct Model {
  ModelConfig config;
  Matrix embedding;            // [vocab][width]
  std::vector<Layer> layers;
  Gain outputNorm;             // [width]
  std::optional<Matrix> head;  // [vocab][width]; absent: the embedding
  Gain ropeFactors;            // [headDim / 2] by which pairs of a head turn slower; empty without
  std::uint64_t parameters = 0;
  std::string tokenizerHash;
  std::vector<int> endTokens;

  const Matrix& output() const { return head ? *head : embedding; }
};

/** @throws EngineError naming what is wrong with the file. */
std::unique_ptr<Model> loadModel(ByteSource& source, ActivationScales scales);

}  // namespace shard
