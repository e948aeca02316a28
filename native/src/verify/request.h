// What a verifying pass is asked and what it answers: the C++ forms of SampleRequest and EmittedToken (shared/engine).
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "verify/threefry.h"

namespace shard {

struct SamplingSettings {
  double temperature = 0;
  int topK = 0;
  double topP = 1;
  double minP = 0;
  double repetitionPenalty = 1;
  double frequencyPenalty = 0;
  double presencePenalty = 0;
  std::vector<std::pair<int, double>> logitBias;

  bool needsHistory() const { return repetitionPenalty != 1 || frequencyPenalty != 0 || presencePenalty != 0; }
};

struct SampleRequest {
  SamplingSettings settings;
  NoiseKey key;
  int promptLength = 0;
  std::vector<int> stopTokens;
  int maxTokens = 1;
  int topLogprobs = 0;
};

struct TokenLogprob {
  int id = 0;
  double logprob = 0;
};

struct EmittedToken {
  int id = 0;
  double logprob = 0;
  bool drafted = false;
  std::vector<TokenLogprob> top;
};

}  // namespace shard
