// The engine: sequences, passes, verification. Knows nothing of Node; one call at a time.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/forward.h"
#include "engine/sequence.h"
#include "kernels/kernels.h"
#include "model/model.h"
#include "support/thread_pool.h"
#include "verify/request.h"
#include "verify/sampler.h"

namespace shard {

struct EngineOptions {
  std::string kernel;      // empty: the best that runs here
  int threads = 0;         // 0: as many as the machine offers
  int maxSequences = 64;
  int maxRows = 512;
  ModelOptions model;
  KvType kvCache = KvType::F16;
};

enum class LogitsWanted { None, Last, All };

struct ForwardItem {
  int sequence = 0;
  std::vector<int> tokens;
  LogitsWanted logits = LogitsWanted::Last;
};

struct PassItem {
  int sequence = 0;
  std::vector<int> tokens;
  std::vector<int> drafts;
  bool sampled = false;
  SampleRequest sample;
};

class Engine {
 public:
  /** @throws EngineError, std::bad_alloc */
  Engine(std::unique_ptr<ByteSource> source, const EngineOptions& options);

  const Model& model() const { return *model_; }
  const KernelSet& kernels() const { return *kernels_; }
  int threads() const { return pool_.threads(); }
  int maxSequences() const { return options_.maxSequences; }
  int maxRows() const { return options_.maxRows; }
  KvType kvCache() const { return layout_.type(); }

  int createSequence();
  void releaseSequence(int id);
  void truncate(int id, int length);
  void copyPrefix(int from, int to, int length);

  /** Logits of the rows asked for, per item [rows × vocab]. Sequences grow by their tokens, or on an error not at all. */
  std::vector<std::vector<float>> forward(const std::vector<ForwardItem>& items, const std::atomic<bool>& cancelled);
  /** See PassResult in shared/engine/engine.ts. */
  std::vector<std::vector<EmittedToken>> verify(const std::vector<PassItem>& items, const std::atomic<bool>& cancelled);

 private:
  Sequence& find(int id);
  /** Checks a batch and makes room in the KV cache; nothing is changed that anyone can see. */
  void admit(int sequence, const std::vector<int>& tokens, const std::vector<int>& drafts, std::size_t& rows);
  void checkTokens(const std::vector<int>& tokens) const;

  EngineOptions options_;
  const KernelSet* kernels_;
  ThreadPool pool_;
  std::unique_ptr<Model> model_;
  KvLayout layout_;
  KvBlocks blocks_;
  Forward pass_;
  std::unordered_map<int, std::unique_ptr<Sequence>> sequences_;
  int nextSequence_ = 1;
  std::vector<SamplerScratch> samplers_;  // one per thread
};

}  // namespace shard
