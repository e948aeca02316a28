#include "model/config.h"

#include <cmath>

#include "support/error.h"

namespace shard {
namespace {

// Wider than any published model; keeps every product of two sizes and every int32 sum in range.
constexpr std::uint64_t kMaxWidth = 1 << 16;
constexpr std::uint64_t kMaxLayers = 512;
constexpr std::uint64_t kMaxHeads = 1024;
constexpr std::uint64_t kMaxContext = 1 << 20;

int bounded(const Gguf& file, const std::string& key, std::uint64_t value, std::uint64_t most) {
  if (value < 1 || value > most) {
    fail(Code::GgufInvalid, "metadata " + quoted(key) + " is " + std::to_string(value) + "; 1 to " +
                                std::to_string(most) + " is expected in " + quoted(file.text("general.architecture")));
  }
  return static_cast<int>(value);
}

}  // namespace

ModelConfig readConfig(const Gguf& file) {
  ModelConfig c;
  c.architecture = file.text("general.architecture");
  if (c.architecture == "bitnet") {
    c.glu = Glu::Silu;  // 1bitLLM's graph
  } else if (c.architecture == "bitnet-b1.58" || c.architecture == "bitnet-25") {
    c.glu = Glu::SquaredRelu;  // BitNet-b1.58-2B-4T's graph
  } else {
    fail(Code::GgufUnsupported, "architecture " + quoted(c.architecture) +
                                    "; this engine runs bitnet, bitnet-b1.58 and bitnet-25");
  }
  const std::string p = c.architecture + ".";
  const auto size = [&](const char* key, std::uint64_t most) {
    return bounded(file, p + key, file.integer(p + key), most);
  };
  c.name = file.text("general.name", c.architecture);
  c.layers = size("block_count", kMaxLayers);
  c.width = size("embedding_length", kMaxWidth);
  c.inner = size("feed_forward_length", kMaxWidth);
  c.heads = size("attention.head_count", kMaxHeads);
  c.context = size("context_length", kMaxContext);
  const std::string kvKey = p + "attention.head_count_kv";
  c.kvHeads = bounded(file, kvKey, file.integer(kvKey, static_cast<std::uint64_t>(c.heads)), kMaxHeads);
  if (c.heads % c.kvHeads != 0) {
    fail(Code::GgufInvalid, std::to_string(c.heads) + " heads cannot share " + std::to_string(c.kvHeads) + " KV heads");
  }
  const std::string dimKey = p + "attention.key_length";
  if (!file.has(dimKey) && c.width % c.heads != 0) {
    fail(Code::GgufInvalid, "an embedding of " + std::to_string(c.width) + " does not divide into " +
                                std::to_string(c.heads) + " heads");
  }
  c.headDim = bounded(file, dimKey, file.integer(dimKey, static_cast<std::uint64_t>(c.width / c.heads)), 1024);
  if (file.integer(p + "attention.value_length", static_cast<std::uint64_t>(c.headDim)) !=
      static_cast<std::uint64_t>(c.headDim)) {
    fail(Code::GgufUnsupported, "keys and values of different lengths");
  }
  if (static_cast<std::uint64_t>(c.heads) * static_cast<std::uint64_t>(c.headDim) > kMaxWidth) {
    fail(Code::GgufInvalid, "heads of " + std::to_string(c.heads) + " × " + std::to_string(c.headDim) + " dimensions");
  }
  if (c.headDim % 16 != 0) {
    fail(Code::GgufUnsupported, "heads of " + std::to_string(c.headDim) + " dimensions; a multiple of 16 is needed");
  }
  if (file.integer(p + "rope.dimension_count", static_cast<std::uint64_t>(c.headDim)) !=
      static_cast<std::uint64_t>(c.headDim)) {
    fail(Code::GgufUnsupported, "rotary positions over a part of the head");
  }
  c.ropeBase = file.number(p + "rope.freq_base", 10000.0);
  const std::string scaling = file.text(p + "rope.scaling.type", "none");
  if (scaling == "linear") {
    c.ropeScale = file.number(p + "rope.scaling.factor", 1.0);
  } else if (scaling != "none") {
    fail(Code::GgufUnsupported, "rotary scaling of type " + quoted(scaling) + "; none and linear are known");
  }
  if (!(c.ropeBase >= 1.0 && c.ropeBase <= 1e12) || !(c.ropeScale >= 1e-3 && c.ropeScale <= 1e6)) {
    fail(Code::GgufInvalid, "rotary base or scale out of range");
  }
  const double epsilon = file.number(p + "attention.layer_norm_rms_epsilon", 1e-5);
  if (!(epsilon >= 0.0 && epsilon <= 1.0)) fail(Code::GgufInvalid, "the norms' epsilon is out of range");
  c.epsilon = static_cast<float>(epsilon);
  return c;
}

}  // namespace shard
