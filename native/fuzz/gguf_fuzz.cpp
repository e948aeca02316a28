// libFuzzer target: parse and load a GGUF file from hostile bytes, then run a tiny pass and a verification.
// How to run it: test/fuzz/README.md.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "engine/engine.h"
#include "support/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace shard;
  EngineOptions options;
  options.threads = 1;
  options.maxSequences = 3;
  options.maxRows = 8;
  // Every kernel set that runs here gets its share of the inputs.
  int sets = 0;
  while (availableKernels()[sets] != nullptr) sets++;
  options.model.head = size % 2 == 0 ? HeadPrecision::Int8 : HeadPrecision::File;
  options.model.packing = size % 3 == 0 ? TernaryPacking::BaseThree : TernaryPacking::TwoBits;
  options.kernel = availableKernels()[size % static_cast<std::size_t>(sets)]->name;
  try {
    Engine engine(std::make_unique<MemorySource>(std::vector<std::uint8_t>(data, data + size)), options);
    const std::atomic<bool> cancelled{false};
    const int last = engine.model().config.vocab - 1;
    const int first = engine.createSequence(), second = engine.createSequence();
    if (engine.forward({{first, {0, last}, LogitsWanted::All}}, cancelled)[0].empty()) std::abort();
    engine.copyPrefix(first, second, 1);
    PassItem item;
    item.sequence = second;
    item.tokens = {last};
    item.drafts = {0, 0};
    item.sampled = true;
    item.sample.settings.temperature = 1;
    item.sample.settings.topP = 0.9;
    item.sample.settings.repetitionPenalty = 1.1;
    item.sample.topLogprobs = 3;
    item.sample.maxTokens = 3;
    const auto results = engine.verify({item}, cancelled);
    for (const EmittedToken& token : results[0]) {
      if (token.id < 0 || token.id > last) std::abort();
    }
    engine.truncate(second, 1);
    engine.releaseSequence(first);
  } catch (const EngineError&) {
  } catch (const std::bad_alloc&) {
  }
  return 0;
}
