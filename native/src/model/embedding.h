// The table of embeddings, left in the file: a pass reads one row a token, some kilobytes of what may be a gigabyte.
#pragma once

#include <cstdint>
#include <vector>

#include "model/tensor_rows.h"

namespace shard {

class Embedding {
 public:
  /** @param source outlives it. @param factor multiplies ternary scales. @throws GGUF_TRUNCATED */
  Embedding(ByteSource& source, const GgufTensor& tensor, float factor)
      : tensor_(tensor), source_(source), decoder_(source, tensor_, factor), bytes_(TensorRows(source, tensor_).rowBytes()) {}

  /** Reads every row once. @throws GGUF_INVALID when one is not sound; a head that is made of the same tensor has seen to it. */
  void check(ThreadPool& pool) const;

  /** Row `row` as floats. One call at a time. @throws GGUF_TRUNCATED when the file has shrunk since it was loaded */
  void row(int row, float* out) const {
    source_.read(tensor_.offset + static_cast<std::uint64_t>(row) * bytes_.size(), bytes_.data(), bytes_.size());
    decoder_.decode(bytes_.data(), out);
  }

 private:
  GgufTensor tensor_;
  ByteSource& source_;
  RowDecoder decoder_;
  mutable std::vector<std::uint8_t> bytes_;  // a row as it lies in the file
};

}  // namespace shard
