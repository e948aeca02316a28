#include <cmath>
#include <set>

#include "model/model.h"
#include "model/tokenizer_hash.h"
#include "model/weight_memory.h"
#include "support/error.h"

namespace shard {
namespace {

/** Takes tensors by name, checks their shapes, and knows in the end which nobody took. */
class TensorTaker {
 public:
  TensorTaker(const Gguf& file, TernaryPacking packing, ThreadPool& pool) : file_(file), packing_(packing), pool_(pool) {}

  Gain gain(const std::string& name, int size) {
    Gain out(roundUp(static_cast<std::size_t>(size), 64));
    floats(take(name, 1, size), "is a norm and must", out.data());
    return out;
  }

  Matrix matrix(const std::string& name, int rows, int cols) {
    return keep(take(name + ".weight", rows, cols), name, HeadPrecision::File);
  }

  /** The table of embeddings; its tensor is marked as taken, but stays where it is. */
  Embedding embedding(int rows, int cols) {
    const GgufTensor& tensor = take("token_embd.weight", rows, cols);
    return Embedding(file_.source(), tensor, takeScale(tensor, "token_embd"));
  }

  /** The head: its own tensor, or the embedding's. */
  Matrix head(int rows, int cols, HeadPrecision precision) {
    const std::string name = tied() ? "token_embd" : "output";
    return keep(tied() ? *file_.tensor(name + ".weight") : take(name + ".weight", rows, cols), name, precision);
  }

  bool tied() const { return !has("output.weight"); }
  bool has(const std::string& name) const { return file_.tensor(name) != nullptr; }
  std::uint64_t parameters() const { return parameters_; }

  void nothingLeft() const {
    for (const GgufTensor& tensor : file_.tensors()) {
      if (taken_.count(tensor.name) == 0) {
        const std::string& name = tensor.name;
        const bool bias = name.size() > 5 && name.compare(name.size() - 5, 5, ".bias") == 0;
        fail(Code::GgufUnsupported, "tensor " + quoted(name) + " has no place in architecture " +
                                        quoted(file_.text("general.architecture")) + " as this engine runs it" +
                                        (bias ? ": biases are not run" : ""));
      }
    }
  }

 private:
  Matrix keep(const GgufTensor& tensor, const std::string& name, HeadPrecision precision) {
    const float scale = takeScale(tensor, name);
    const TensorRows from(file_.source(), tensor);
    if (isTernary(tensor.type)) return Matrix(TernaryMatrix(from, scale, packing_, pool_, memory_));
    if (precision == HeadPrecision::Int8) return Matrix(Int8Matrix(from, pool_, memory_));
    return Matrix(DenseMatrix(from, pool_, memory_));
  }

  void floats(const GgufTensor& tensor, const char* what, float* out) const {
    if (!isFloat(tensor.type)) {
      fail(Code::GgufUnsupported, "tensor " + quoted(tensor.name) + " " + what + " be F32, F16 or BF16");
    }
    std::vector<std::uint8_t> bytes(TensorRows(file_.source(), tensor).rowBytes());
    file_.source().read(tensor.offset, bytes.data(), bytes.size());
    if (!RowDecoder(file_.source(), tensor, 1.0f).decode(bytes.data(), out)) notFinite(tensor);
  }

  /** The factor of a ternary tensor's scales, 1 where the file has none. */
  float takeScale(const GgufTensor& tensor, const std::string& name) {
    const std::string scaleName = name + ".scale";
    float scale = 1.0f;
    if (has(scaleName)) floats(taken_.count(scaleName) != 0 ? *file_.tensor(scaleName) : take(scaleName, 1, 1), "must", &scale);
    if (scale != 1.0f && !isTernary(tensor.type)) {
      fail(Code::GgufUnsupported, "tensor " + quoted(tensor.name) + " is not ternary but has a scale");
    }
    return scale;
  }

  const GgufTensor& take(const std::string& name, int rows, int cols) {
    const GgufTensor* tensor = file_.tensor(name);
    if (tensor == nullptr) fail(Code::GgufInvalid, "tensor " + quoted(name) + " is missing");
    if (tensor->rows != static_cast<std::uint64_t>(rows) || tensor->cols != static_cast<std::uint64_t>(cols)) {
      fail(Code::GgufInvalid, "tensor " + quoted(name) + " has " + std::to_string(tensor->rows) + " rows of " +
                                  std::to_string(tensor->cols) + "; " + std::to_string(rows) + " of " +
                                  std::to_string(cols) + " are expected");
    }
    taken_.insert(name);
    parameters_ += tensor->rows * tensor->cols;
    return *tensor;
  }

  const Gguf& file_;
  TernaryPacking packing_;
  ThreadPool& pool_;
  WeightMemory memory_;
  std::set<std::string> taken_;
  std::uint64_t parameters_ = 0;
};

int vocabulary(const Gguf& file) {
  const GgufTensor* embedding = file.tensor("token_embd.weight");
  if (embedding == nullptr) fail(Code::GgufInvalid, "tensor 'token_embd.weight' is missing");
  if (embedding->rows > (1u << 20)) {
    fail(Code::GgufInvalid, "a vocabulary of " + std::to_string(embedding->rows) + " tokens; at most 2^20 are allowed");
  }
  return static_cast<int>(embedding->rows);
}

std::vector<int> readEndTokens(const Gguf& file, int vocab) {
  std::set<int> out;
  for (const char* name : {"eos", "eot", "eom"}) {
    const std::string key = std::string("tokenizer.ggml.") + name + "_token_id";
    if (!file.has(key)) continue;
    const std::uint64_t id = file.integer(key);
    if (id >= static_cast<std::uint64_t>(vocab)) {
      fail(Code::GgufInvalid, "metadata " + quoted(key) + " is " + std::to_string(id) + ", outside the vocabulary of " +
                                  std::to_string(vocab));
    }
    out.insert(static_cast<int>(id));
  }
  return {out.begin(), out.end()};
}

Layer takeLayer(TensorTaker& tensors, const ModelConfig& c, int index) {
  const std::string p = "blk." + std::to_string(index) + ".";
  const int query = c.queryWidth(), kv = c.kvWidth();
  return Layer{
      tensors.gain(p + "attn_norm.weight", c.width),
      tensors.matrix(p + "attn_q", query, c.width),
      tensors.matrix(p + "attn_k", kv, c.width),
      tensors.matrix(p + "attn_v", kv, c.width),
      c.graph.headNorms ? tensors.gain(p + "attn_q_norm.weight", c.headDim) : Gain(),
      c.graph.headNorms ? tensors.gain(p + "attn_k_norm.weight", c.headDim) : Gain(),
      c.graph.subNorms ? tensors.gain(p + "attn_sub_norm.weight", query) : Gain(),
      tensors.matrix(p + "attn_output", c.width, query),
      tensors.gain(p + "ffn_norm.weight", c.width),
      tensors.matrix(p + "ffn_gate", c.inner, c.width),
      tensors.matrix(p + "ffn_up", c.inner, c.width),
      c.graph.subNorms ? tensors.gain(p + "ffn_sub_norm.weight", c.inner) : Gain(),
      tensors.matrix(p + "ffn_down", c.width, c.inner),
  };
}

/** llama3's rotary scaling; llama.cpp reads it for `llama` alone. */
Gain takeRopeFactors(TensorTaker& tensors, const ModelConfig& c) {
  const std::string name = "rope_freqs.weight";
  if (!c.graph.ropeNeighbours || !tensors.has(name)) return {};
  Gain out = tensors.gain(name, c.headDim / 2);
  for (int i = 0; i < c.headDim / 2; i++) {
    if (!(out[static_cast<std::size_t>(i)] > 0.0f)) fail(Code::GgufInvalid, "tensor " + quoted(name) + " should hold numbers above 0");
  }
  return out;
}

}  // namespace

std::unique_ptr<Model> loadModel(std::unique_ptr<ByteSource> source, const ModelOptions& options, ThreadPool& pool) {
  const Gguf file(*source);
  ModelConfig c = readConfig(file, options.activationScales);
  c.vocab = vocabulary(file);
  std::string hash = tokenizerHash(file, c.vocab);
  std::vector<int> endTokens = readEndTokens(file, c.vocab);
  // BaseThree has products for one scale a token alone.
  TensorTaker tensors(file, c.activationGroup == 0 ? options.packing : TernaryPacking::TwoBits, pool);
  Embedding embedding = tensors.embedding(c.vocab, c.width);
  if (!tensors.tied()) embedding.check(pool);
  std::vector<Layer> layers;
  for (int i = 0; i < c.layers; i++) layers.push_back(takeLayer(tensors, c, i));
  Gain outputNorm = tensors.gain("output_norm.weight", c.width);
  Matrix head = tensors.head(c.vocab, c.width, options.head);
  Gain ropeFactors = takeRopeFactors(tensors, c);
  tensors.nothingLeft();
  return std::unique_ptr<Model>(new Model{c, std::move(source), std::move(embedding), std::move(layers), std::move(outputNorm),
                                          std::move(head), std::move(ropeFactors), tensors.parameters(), std::move(hash),
                                          std::move(endTokens)});
}

}  // namespace shard
