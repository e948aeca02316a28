// A model in memory: its shape, its weights and what is known of its tokenizer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/config.h"
#include "model/embedding.h"
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
  std::unique_ptr<ByteSource> source;
  Embedding embedding;         // [vocab][width], read from the source
  std::vector<Layer> layers;
  Gain outputNorm;             // [width]
  Matrix head;                 // [vocab][width]
  Gain ropeFactors;            // [headDim / 2] by which pairs of a head turn slower; empty without
  std::uint64_t parameters = 0;
  std::string tokenizerHash;
  std::vector<int> endTokens;
};

/** What a head of floats is multiplied as: rounded to int8, or as the numbers that stand in the file. */
enum class HeadPrecision { Int8, File };

struct ModelOptions {
  ActivationScales activationScales = ActivationScales::Usual;
  HeadPrecision head = HeadPrecision::Int8;
  /** A wish: what BaseThree cannot hold or multiply is kept in two bits. */
  TernaryPacking packing = TernaryPacking::TwoBits;
};

/** @throws EngineError naming what is wrong with the file. */
std::unique_ptr<Model> loadModel(std::unique_ptr<ByteSource> source, const ModelOptions& options, ThreadPool& pool);

}  // namespace shard
