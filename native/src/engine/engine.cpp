#include "engine/engine.h"

#include <algorithm>
#include <unordered_set>

#include "support/error.h"

namespace shard {
namespace {

const KernelSet* chooseKernels(const std::string& name) {
  const KernelSet* set = findKernels(name.c_str());
  if (set != nullptr) return set;
  std::string list;
  for (const KernelSet* const* s = availableKernels(); *s != nullptr; s++) list += std::string(list.empty() ? "" : ", ") + (*s)->name;
  fail(Code::NativeUnavailable, "kernel " + quoted(name) + " does not run on this machine; these do: " + list);
}

int chooseThreads(int wanted) {
  constexpr int kMost = 256;
  const int offered = static_cast<int>(std::thread::hardware_concurrency());
  return std::min(std::max(wanted > 0 ? wanted : offered, 1), kMost);
}

}  // namespace

Engine::Engine(std::unique_ptr<ByteSource> source, const EngineOptions& options)
    : options_(options),
      kernels_(chooseKernels(options.kernel)),
      pool_(chooseThreads(options.threads)),
      model_(loadModel(std::move(source), options.model, pool_)),
      layout_(model_->config, options.kvCache),
      blocks_(layout_),
      pass_(*model_, *kernels_, pool_, layout_),
      samplers_(static_cast<std::size_t>(pool_.threads())) {}

Sequence& Engine::find(int id) {
  const auto found = sequences_.find(id);
  if (found == sequences_.end()) fail(Code::SequenceUnknown, "no sequence " + std::to_string(id) + " is open");
  return *found->second;
}

int Engine::createSequence() {
  if (static_cast<int>(sequences_.size()) >= options_.maxSequences) {
    fail(Code::SequenceLimit, std::to_string(options_.maxSequences) + " sequences are open, the most allowed; release one");
  }
  const int id = nextSequence_;
  sequences_.emplace(id, std::make_unique<Sequence>(layout_, blocks_));
  nextSequence_++;
  return id;
}

void Engine::releaseSequence(int id) {
  find(id);
  sequences_.erase(id);
}

void Engine::truncate(int id, int length) {
  Sequence& sequence = find(id);
  if (length < 0 || length > sequence.length()) {
    fail(Code::BatchInvalid, "cannot truncate a sequence of " + std::to_string(sequence.length()) + " tokens to " + std::to_string(length));
  }
  sequence.truncate(length);
}

void Engine::copyPrefix(int from, int to, int length) {
  const Sequence& source = find(from);
  Sequence& target = find(to);
  if (length < 0 || length > source.length()) {
    fail(Code::BatchInvalid, "cannot copy " + std::to_string(length) + " tokens of a sequence of " + std::to_string(source.length()));
  }
  if (from == to) target.truncate(length);
  else target.copyPrefix(source, length);
}

void Engine::checkTokens(const std::vector<int>& tokens) const {
  for (int token : tokens) {
    if (token < 0 || token >= model_->config.vocab) {
      fail(Code::BatchInvalid, "token " + std::to_string(token) + " is outside the vocabulary of " + std::to_string(model_->config.vocab));
    }
  }
}

void Engine::admit(int id, const std::vector<int>& tokens, const std::vector<int>& drafts, std::size_t& rows) {
  const Sequence& sequence = find(id);
  if (tokens.empty()) fail(Code::BatchInvalid, "an item without tokens");
  rows += tokens.size() + drafts.size();
  if (rows > static_cast<std::size_t>(options_.maxRows)) {
    fail(Code::BatchInvalid, "more than " + std::to_string(options_.maxRows) + " rows in one pass");
  }
  checkTokens(tokens);
  checkTokens(drafts);
  const std::size_t end = static_cast<std::size_t>(sequence.length()) + tokens.size() + drafts.size();
  if (end > static_cast<std::size_t>(model_->config.context)) {
    fail(Code::ContextFull, "the sequence would have " + std::to_string(end) + " tokens; the model's context is " +
                                std::to_string(model_->config.context));
  }
}

std::vector<std::vector<float>> Engine::forward(const std::vector<ForwardItem>& items, const std::atomic<bool>& cancelled) {
  if (items.empty()) fail(Code::BatchInvalid, "a pass without items");
  std::unordered_set<int> used;
  std::size_t count = 0;
  for (const ForwardItem& item : items) {
    admit(item.sequence, item.tokens, {}, count);
    if (!used.insert(item.sequence).second) fail(Code::BatchInvalid, "a sequence twice in one pass");
  }
  std::vector<Row> rows;
  rows.reserve(count);
  for (const ForwardItem& item : items) {
    Sequence& sequence = find(item.sequence);
    sequence.reserve(static_cast<int>(item.tokens.size()));
    for (std::size_t i = 0; i < item.tokens.size(); i++) {
      const bool last = i + 1 == item.tokens.size();
      const bool wanted = item.logits == LogitsWanted::All || (item.logits == LogitsWanted::Last && last);
      rows.push_back({&sequence, item.tokens[i], sequence.length() + static_cast<int>(i), wanted});
    }
  }
  pass_.run(rows, cancelled);
  std::vector<std::vector<float>> out(items.size());
  std::size_t next = 0;
  const int vocab = model_->config.vocab;
  for (std::size_t i = 0; i < items.size(); i++) {
    const std::size_t wanted = items[i].logits == LogitsWanted::All ? items[i].tokens.size() : items[i].logits == LogitsWanted::Last ? 1 : 0;
    out[i].reserve(wanted * static_cast<std::size_t>(vocab));
    for (std::size_t r = 0; r < wanted; r++, next++) {
      const float* logits = pass_.logits(next);
      out[i].insert(out[i].end(), logits, logits + vocab);
    }
  }
  for (const ForwardItem& item : items) find(item.sequence).append(item.tokens.data(), item.tokens.size());
  return out;
}

std::vector<std::vector<EmittedToken>> Engine::verify(const std::vector<PassItem>& items, const std::atomic<bool>& cancelled) {
  if (items.empty()) fail(Code::BatchInvalid, "a pass without items");
  std::unordered_set<int> used;
  std::size_t count = 0;
  for (const PassItem& item : items) {
    admit(item.sequence, item.tokens, item.drafts, count);
    if (!used.insert(item.sequence).second) fail(Code::BatchInvalid, "a sequence twice in one pass");
    if (!item.sampled && !item.drafts.empty()) fail(Code::BatchInvalid, "drafts in an item that only prefills");
    const std::size_t known = static_cast<std::size_t>(find(item.sequence).length()) + item.tokens.size();
    if (item.sampled && (item.sample.promptLength < 0 || static_cast<std::size_t>(item.sample.promptLength) > known)) {
      fail(Code::BatchInvalid, "a prompt of " + std::to_string(item.sample.promptLength) + " tokens in a sequence of " + std::to_string(known));
    }
    if (item.sampled && item.sample.maxTokens < 1) fail(Code::BatchInvalid, "maxTokens must be at least 1");
  }
  std::vector<Row> rows;
  std::vector<std::size_t> firstLogits;  // per item: its base row's place among the logits
  std::vector<std::vector<int>> histories(items.size());
  rows.reserve(count);
  std::size_t wanted = 0;
  for (std::size_t n = 0; n < items.size(); n++) {
    const PassItem& item = items[n];
    Sequence& sequence = find(item.sequence);
    sequence.reserve(static_cast<int>(item.tokens.size() + item.drafts.size()));
    firstLogits.push_back(wanted);
    int position = sequence.length();
    for (std::size_t i = 0; i < item.tokens.size(); i++) {
      const bool base = item.sampled && i + 1 == item.tokens.size();
      rows.push_back({&sequence, item.tokens[i], position++, base});
      wanted += base ? 1 : 0;
    }
    for (int draft : item.drafts) {
      rows.push_back({&sequence, draft, position++, true});
      wanted++;
    }
    if (item.sampled) {
      histories[n] = sequence.tokens();
      histories[n].insert(histories[n].end(), item.tokens.begin(), item.tokens.end());
    }
  }
  pass_.run(rows, cancelled);

  std::vector<std::vector<EmittedToken>> out(items.size());
  std::atomic<bool> outOfMemory{false};
  pool_.run(static_cast<int>(items.size()), 1, [&](int from, int to, int thread) {
    for (auto n = static_cast<std::size_t>(from); n < static_cast<std::size_t>(to); n++) {
      const PassItem& item = items[n];
      if (!item.sampled) continue;
      try {
        out[n] = walk(*kernels_, pass_.logits(firstLogits[n]), pass_.logitStride(), model_->config.vocab, histories[n].data(),
                      static_cast<int>(histories[n].size()), item.drafts, item.sample, samplers_[static_cast<std::size_t>(thread)]);
      } catch (const std::bad_alloc&) {
        outOfMemory.store(true);
      }
    }
  });
  if (outOfMemory.load()) throw std::bad_alloc();

  // The KV cache keeps everything before the last emitted token.
  for (std::size_t n = 0; n < items.size(); n++) {
    Sequence& sequence = find(items[n].sequence);
    sequence.append(items[n].tokens.data(), items[n].tokens.size());
    if (!out[n].empty()) sequence.append(items[n].drafts.data(), std::min(out[n].size() - 1, items[n].drafts.size()));
  }
  return out;
}

}  // namespace shard
