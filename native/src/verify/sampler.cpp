#include "verify/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace shard {
namespace {

template <typename T>
int argmax(const T* scores, int count) {
  int best = 0;
  for (int id = 1; id < count; id++)
    if (scores[id] > scores[best]) best = id;
  return best;
}

/** Penalties and bias into scratch.logits. */
void adjust(const float* logits, int vocab, const SamplingSettings& s, const TokenHistory& history, std::vector<double>& out) {
  out.resize(static_cast<std::size_t>(vocab));
  for (int id = 0; id < vocab; id++) out[static_cast<std::size_t>(id)] = static_cast<double>(logits[id]);
  if (s.repetitionPenalty != 1) {
    for (int id : history.seen()) {
      double& logit = out[static_cast<std::size_t>(id)];
      logit = logit > 0 ? logit / s.repetitionPenalty : logit * s.repetitionPenalty;
    }
  }
  if (s.frequencyPenalty != 0 || s.presencePenalty != 0) {
    for (const auto& [id, count] : history.generated()) {
      out[static_cast<std::size_t>(id)] -= s.frequencyPenalty * count + s.presencePenalty;
    }
  }
  for (const auto& [id, bias] : s.logitBias)
    if (id >= 0 && id < vocab) out[static_cast<std::size_t>(id)] += bias;
}

/** Largest score first, equals by rising id. */
template <typename T>
struct LikeliestFirst {
  const T* scores;
  bool operator()(int a, int b) const { return scores[a] > scores[b] || (scores[a] == scores[b] && a < b); }
};

/** Sorts the first ids of `order` that are needed: more in steps, while `more(sorted)` asks. */
template <typename T, typename More>
void sortWhile(std::vector<int>& order, const T* scores, std::size_t limit, More more) {
  const LikeliestFirst<T> before{scores};
  std::size_t sorted = 0;
  for (std::size_t step = 64; sorted < limit && more(sorted); step *= 4) {
    const std::size_t next = std::min(limit, sorted + step);
    const auto begin = order.begin() + static_cast<std::ptrdiff_t>(sorted);
    const auto end = order.begin() + static_cast<std::ptrdiff_t>(next);
    if (next < order.size()) std::nth_element(begin, end, order.end(), before);
    std::sort(begin, end, before);
    sorted = next;
  }
}

/**
 * Top-k, then top-p over weights [vocab]; the kept ids come out likeliest first. As in shared/verify/filters.ts, the
 * total is summed in the order in which its terms are known there: by likelihood under top-k, else by id.
 */
void likeliest(const std::vector<double>& weights, std::size_t limit, double topP, std::vector<int>& order) {
  order.resize(weights.size());
  for (std::size_t i = 0; i < order.size(); i++) order[i] = static_cast<int>(i);
  const auto weight = [&](std::size_t i) { return weights[static_cast<std::size_t>(order[i])]; };
  double total = 0;
  if (limit < weights.size()) {
    sortWhile(order, weights.data(), limit, [](std::size_t) { return true; });
    for (std::size_t i = 0; i < limit; i++) total += weight(i);
  } else {
    for (double w : weights) total += w;
  }
  std::size_t kept = limit;
  if (topP < 1) {
    double mass = 0;
    std::size_t looked = 0;
    const auto enough = [&](std::size_t sorted) {
      for (; looked < sorted; looked++) {
        mass += weight(looked);
        if (mass / total >= topP) {
          kept = looked + 1;
          return true;
        }
      }
      return false;
    };
    if (limit < weights.size()) {
      enough(limit);
    } else {
      bool done = false;
      sortWhile(order, weights.data(), limit, [&](std::size_t sorted) { return !(done = enough(sorted)); });
      if (!done) enough(limit);
    }
  }
  order.resize(kept);
}

double gumbel(std::uint32_t word) {
  const double w = (static_cast<double>(word) + 0.5) / 4294967296.0;
  return -std::log(-std::log(w));
}

/** An upper bound of the noise from the word's leading ones: −ln w ≥ 1 − w > 2^−(ones + 1). */
double gumbelBound(std::uint32_t word) {
  int ones = 0;
  for (std::uint32_t bits = word; (bits & 0x80000000u) != 0; bits <<= 1) ones++;
  return (ones + 1) * 0.6931471805599454;  // ln 2, rounded up
}

/** No noise is larger: that of a word of ones is 22.8739. */
constexpr double kMostNoise = 22.874;

class GumbelMax {
 public:
  GumbelMax(NoiseKey key, std::uint32_t t) : key_(key), t_(t) {}

  /** Whether it could win with some noise. 1e-9: room for the rounding of the logarithms. */
  bool hasHope(double logWeight, double noise = kMostNoise) const { return best_ < 0 || logWeight + noise >= score_ - 1e-9; }

  void offer(int id, double logWeight) {
    if (hasHope(logWeight)) offer(id, logWeight, threefry2x32(key_, t_, static_cast<std::uint32_t>(id))[0]);
  }
  /** Neighbouring ids from `first` on: noise is drawn for all of them or for none. */
  template <std::size_t N>
  void offer(int first, const std::array<double, N>& logWeights) {
    bool hope = false;
    for (double logWeight : logWeights) hope |= hasHope(logWeight);
    if (!hope) return;
    const auto words = threefry2x32From<N>(key_, t_, static_cast<std::uint32_t>(first))[0];
    for (std::size_t i = 0; i < N; i++) offer(first + static_cast<int>(i), logWeights[i], words[i]);
  }
  int best() const { return best_; }

 private:
  void offer(int id, double logWeight, std::uint32_t word) {
    if (!hasHope(logWeight, gumbelBound(word))) return;
    const double score = logWeight + gumbel(word);
    if (best_ < 0 || score > score_ || (score == score_ && id < best_)) {
      best_ = id;
      score_ = score;
    }
  }

  NoiseKey key_;
  std::uint32_t t_;
  int best_ = -1;
  double score_ = -std::numeric_limits<double>::infinity();
};

constexpr double kNever = -std::numeric_limits<double>::infinity();

template <typename T>
int chooseCoupled(const T* logits, int vocab, const SamplingSettings& s, NoiseKey key, std::uint32_t t, SamplerScratch& scratch) {
  const auto count = static_cast<std::size_t>(vocab);
  const int likeliestId = argmax(logits, vocab);
  const double most = static_cast<double>(logits[likeliestId]);
  const auto logWeight = [&](int id) { return (static_cast<double>(logits[id]) - most) / s.temperature; };
  const std::size_t limit = s.topK > 0 ? std::min(static_cast<std::size_t>(s.topK), count) : count;
  GumbelMax choice(key, t);
  if (limit < count || s.topP < 1) {
    scratch.weights.resize(count);
    for (int id = 0; id < vocab; id++) scratch.weights[static_cast<std::size_t>(id)] = std::exp(logWeight(id));
    likeliest(scratch.weights, limit, s.topP, scratch.order);
    for (int id : scratch.order) {
      // The likeliest weighs exp(0) = 1: weights are relative to it.
      if (s.minP > 0 && !(scratch.weights[static_cast<std::size_t>(id)] >= s.minP)) continue;
      choice.offer(id, logWeight(id));
    }
  } else {
    // What is to be beaten should be known early: most others can then be passed over.
    choice.offer(likeliestId, logWeight(likeliestId));
    constexpr int kTogether = 16;
    std::array<double, kTogether> logWeights;
    for (int first = 0; first < vocab; first += kTogether) {
      for (int i = 0; i < kTogether; i++) {
        const int id = first + i;
        const double weight = id < vocab ? logWeight(id) : kNever;
        const bool refused = s.minP > 0 && choice.hasHope(weight) && !(std::exp(weight) >= s.minP);
        logWeights[static_cast<std::size_t>(i)] = refused ? kNever : weight;
      }
      choice.offer(first, logWeights);
    }
  }
  return choice.best() >= 0 ? choice.best() : likeliestId;
}

/**
 * Sampling needs an order, whatever a broken model computes: NaN becomes −∞, +∞ the largest float, and a row of nothing
 * but −∞ becomes level. Changes no row of finite numbers.
 */
void makeOrderly(float* logits, int vocab) {
  bool hope = false;
  for (int i = 0; i < vocab; i++) {
    if (!(logits[i] <= std::numeric_limits<float>::max())) {
      logits[i] = logits[i] > 0 ? std::numeric_limits<float>::max() : -std::numeric_limits<float>::infinity();
    }
    hope = hope || logits[i] >= -std::numeric_limits<float>::max();
  }
  if (!hope) std::fill(logits, logits + vocab, 0.0f);
}

}  // namespace

int chooseToken(const float* logits, int vocab, const SamplingSettings& settings, const TokenHistory& history,
                NoiseKey key, std::uint32_t t, SamplerScratch& scratch) {
  if (!settings.needsHistory() && settings.logitBias.empty()) {
    if (settings.temperature == 0) return argmax(logits, vocab);
    return chooseCoupled(logits, vocab, settings, key, t, scratch);
  }
  adjust(logits, vocab, settings, history, scratch.logits);
  if (settings.temperature == 0) return argmax(scratch.logits.data(), vocab);
  return chooseCoupled(scratch.logits.data(), vocab, settings, key, t, scratch);
}

EmittedToken describeChoice(const KernelSet& kernels, const float* logits, int vocab, int id, int count, SamplerScratch& scratch) {
  const float most = logits[argmax(logits, vocab)];
  const double normaliser = static_cast<double>(most) + std::log(kernels.sumOfExp(logits, vocab, most));
  EmittedToken out;
  out.id = id;
  out.logprob = static_cast<double>(logits[id]) - normaliser;
  const auto wanted = static_cast<std::size_t>(std::min(count, vocab));
  if (wanted > 0) {
    std::vector<int>& order = scratch.order;
    order.resize(static_cast<std::size_t>(vocab));
    for (int i = 0; i < vocab; i++) order[static_cast<std::size_t>(i)] = i;
    sortWhile(order, logits, wanted, [](std::size_t) { return true; });
    for (std::size_t i = 0; i < wanted; i++) {
      out.top.push_back({order[i], static_cast<double>(logits[order[i]]) - normaliser});
    }
  }
  return out;
}

std::vector<EmittedToken> walk(const KernelSet& kernels, float* rows, std::size_t stride, int vocab, const int* tokens, int tokenCount,
                               const std::vector<int>& drafts, const SampleRequest& request, SamplerScratch& scratch) {
  TokenHistory history(request.promptLength);
  const bool counted = request.settings.needsHistory();
  if (counted)
    for (int i = 0; i < tokenCount; i++) history.push(tokens[i]);
  std::vector<EmittedToken> out;
  for (std::size_t i = 0;; i++) {
    float* logits = rows + i * stride;
    makeOrderly(logits, vocab);
    const auto t = static_cast<std::uint32_t>(tokenCount + static_cast<int>(i) - request.promptLength);
    const int id = chooseToken(logits, vocab, request.settings, history, request.key, t, scratch);
    EmittedToken token = describeChoice(kernels, logits, vocab, id, request.topLogprobs, scratch);
    token.drafted = i < drafts.size() && drafts[i] == id;
    const bool stop = std::find(request.stopTokens.begin(), request.stopTokens.end(), id) != request.stopTokens.end();
    const bool goOn = token.drafted && !stop;
    out.push_back(std::move(token));
    if (!goOn || static_cast<int>(out.size()) >= request.maxTokens) return out;
    if (counted) history.push(id);
  }
}

}  // namespace shard
