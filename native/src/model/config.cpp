#include "model/config.h"

#include <algorithm>
#include <cmath>
#include <optional>

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

/** The twin of shared/engine/architecture.ts, which says why. */
std::optional<Architecture> architectureOf(const std::string& name) {
  Architecture out;
  if (name == "bitnet" || name == "bitnet-b1.58" || name == "bitnet-25") {
    out.glu = name == "bitnet" ? Glu::Silu : Glu::SquaredRelu;
    out.subNorms = true;
  } else if (name == "qwen3") {
    out.headNorms = true;
    out.activationScales = ActivationScales::Group;
  } else if (name == "llama") {
    out.ropeNeighbours = true;
  } else {
    return std::nullopt;
  }
  return out;
}

/** Of the ternary weights: every other group is a multiple of it. 0 when nothing is ternary. */
int smallestGroup(const Gguf& file) {
  std::uint32_t least = 0;
  for (const GgufTensor& tensor : file.tensors()) {
    if (!isTernary(tensor.type)) continue;
    const std::uint32_t group = blockShape(tensor.type)->weights;
    least = least == 0 ? group : std::min(least, group);
  }
  return static_cast<int>(least);
}

}  // namespace

ModelConfig readConfig(const Gguf& file, ActivationScales scales) {
  ModelConfig c;
  c.architecture = file.text("general.architecture");
  const std::optional<Architecture> graph = architectureOf(c.architecture);
  if (!graph) {
    fail(Code::GgufUnsupported, "architecture " + quoted(c.architecture) +
                                    "; this engine runs bitnet, bitnet-b1.58, bitnet-25, qwen3 and llama");
  }
  c.graph = *graph;
  if (scales == ActivationScales::Usual) scales = c.graph.activationScales;
  if (scales == ActivationScales::Group) c.activationGroup = smallestGroup(file);
  const std::string p = c.architecture + ".";
  for (const char* name : {"expert_count", "attention.sliding_window"}) {
    if (file.integer(p + name, 0) != 0) fail(Code::GgufUnsupported, "metadata " + quoted(p + name) + " is not run");
  }
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
  c.rope = readRope(file, p + "rope.", c.context);
  const double epsilon = file.number(p + "attention.layer_norm_rms_epsilon", 1e-5);
  if (!(epsilon >= 0.0 && epsilon <= 1.0)) fail(Code::GgufInvalid, "the norms' epsilon is out of range");
  c.epsilon = static_cast<float>(epsilon);
  return c;
}

}  // namespace shard
