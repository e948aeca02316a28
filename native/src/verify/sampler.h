// Which token one row decides: the C++ form of shared/verify, float64 throughout.
#pragma once

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "kernels/kernels.h"
#include "verify/request.h"

namespace shard {

/** The tokens before a row, counted as the penalties need them. */
class TokenHistory {
 public:
  explicit TokenHistory(int promptLength) : promptLength_(promptLength) {}
  void push(int token) {
    seen_.insert(token);
    if (length_++ >= promptLength_) generated_[token]++;
  }
  const std::unordered_set<int>& seen() const { return seen_; }
  const std::unordered_map<int, int>& generated() const { return generated_; }

 private:
  int promptLength_;
  int length_ = 0;
  std::unordered_set<int> seen_;
  std::unordered_map<int, int> generated_;
};

/** Working memory of one thread, [vocab] each; kept between rows. */
struct SamplerScratch {
  std::vector<double> logits;
  std::vector<double> weights;
  std::vector<int> order;
};

/** The target's own token: greedy at temperature 0, else coupled (Gumbel noise at counter (t, id)). */
int chooseToken(const float* logits, int vocab, const SamplingSettings& settings, const TokenHistory& history,
                NoiseKey key, std::uint32_t t, SamplerScratch& scratch);

/** Log-probabilities at temperature 1 of `id` and of the `count` likeliest, within 1e-6. */
EmittedToken describeChoice(const KernelSet& kernels, const float* logits, int vocab, int id, int count, SamplerScratch& scratch);

/**
 * Walks along the drafts while each is the target's own token; ends with the correction or the token after the last.
 * @param rows logits of the base row and of each draft, [drafts + 1][stride]; those that it looks at are made orderly
 * @param tokens all tokens up to and including the base row's
 */
std::vector<EmittedToken> walk(const KernelSet& kernels, float* rows, std::size_t stride, int vocab, const int* tokens, int tokenCount,
                               const std::vector<int>& drafts, const SampleRequest& request, SamplerScratch& scratch);

}  // namespace shard
