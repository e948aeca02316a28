// A GGUF file's header: metadata and tensor directory, every number checked before it is used.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little endian).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "gguf/byte_source.h"
#include "gguf/tensor_type.h"

namespace shard {

/** An array in the metadata, left in the file: its elements lie at [offset, end). */
struct GgufArray {
  std::uint32_t type = 0;
  std::uint64_t count = 0;
  std::uint64_t offset = 0;
  std::uint64_t end = 0;
};

using GgufValue = std::variant<std::uint64_t, std::int64_t, double, bool, std::string, GgufArray>;

struct GgufTensor {
  std::string name;
  TensorType type = TensorType::F32;
  std::uint64_t cols = 0;    // the dimension that lies together in memory
  std::uint64_t rows = 1;    // product of the others
  std::uint64_t offset = 0;  // in the file
  std::uint64_t bytes = 0;
};

class Gguf {
 public:
  /** @throws GGUF_TRUNCATED, GGUF_INVALID, GGUF_UNSUPPORTED */
  explicit Gguf(ByteSource& source);

  ByteSource& source() const { return source_; }
  const std::vector<GgufTensor>& tensors() const { return tensors_; }
  const GgufTensor* tensor(const std::string& name) const;

  bool has(const std::string& key) const { return values_.count(key) != 0; }
  /** Each throws GGUF_INVALID when the key is missing (without a fallback) or of another type. */
  std::string text(const std::string& key) const;
  std::string text(const std::string& key, const std::string& fallback) const;
  std::uint64_t integer(const std::string& key) const;
  std::uint64_t integer(const std::string& key, std::uint64_t fallback) const;
  double number(const std::string& key, double fallback) const;
  /** nullptr when the key is missing. */
  const GgufArray* array(const std::string& key) const;

  /** Raw bytes of each string of an array of strings. */
  std::vector<std::string> strings(const GgufArray& array) const;
  /** Elements of an array of 8- to 64-bit integers. */
  std::vector<std::int64_t> integers(const GgufArray& array) const;

 private:
  const GgufValue& value(const std::string& key) const;

  ByteSource& source_;
  std::unordered_map<std::string, GgufValue> values_;
  std::vector<GgufTensor> tensors_;
  std::unordered_map<std::string, std::size_t> byName_;
};

}  // namespace shard
