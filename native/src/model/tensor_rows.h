// A tensor's rows: read from the file and turned into floats, or handed out in pieces to whoever packs them.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "gguf/gguf.h"
#include "kernels/kernels.h"
#include "support/thread_pool.h"

namespace shard {

/** @throws GGUF_INVALID: the tensor has a value or a scale that is not a finite number. */
[[noreturn]] void notFinite(const GgufTensor& tensor);

class TensorRows {
 public:
  /** `source` and `tensor` must outlive it. */
  TensorRows(ByteSource& source, const GgufTensor& tensor) : source_(source), tensor_(tensor) {}

  int rows() const { return static_cast<int>(tensor_.rows); }
  int cols() const { return static_cast<int>(tensor_.cols); }
  std::size_t rowBytes() const {
    const BlockShape& shape = *blockShape(tensor_.type);
    return tensor_.cols / shape.weights * shape.bytes;
  }

  /**
   * Reads the tensor once, end to end, and calls body(row, bytes, thread) for every row, on the pool's threads: 16 neighbouring
   * rows from a multiple of 16 on by one thread. `body` returns whether the row is sound, and must not throw.
   * @throws GGUF_TRUNCATED, GGUF_INVALID when a row was not sound
   */
  template <typename F>
  void each(ThreadPool& pool, F&& body) const {
    const std::size_t bytesAtOnce = std::size_t{8} << 20, size = rowBytes();
    const std::size_t groupsAtOnce = std::max<std::size_t>(1, bytesAtOnce / (size * kLanes));
    const std::size_t rowsAtOnce = std::min<std::size_t>(groupsAtOnce * kLanes, tensor_.rows);
    std::vector<std::uint8_t> bytes(rowsAtOnce * size);
    std::atomic<bool> sound{true};
    for (std::size_t start = 0; start < tensor_.rows; start += rowsAtOnce) {
      const std::size_t count = std::min<std::size_t>(rowsAtOnce, tensor_.rows - start);
      source_.read(tensor_.offset + start * size, bytes.data(), count * size);
      pool.run(static_cast<int>((count + kLanes - 1) / kLanes), 1, [&](int from, int to, int thread) {
        const std::size_t end = std::min(static_cast<std::size_t>(to) * kLanes, count);
        for (std::size_t i = static_cast<std::size_t>(from) * kLanes; i < end; i++) {
          if (!body(static_cast<int>(start + i), bytes.data() + i * size, thread)) sound.store(false, std::memory_order_relaxed);
        }
      });
    }
    if (!sound.load()) notFinite(tensor_);
  }

  ByteSource& source() const { return source_; }
  const GgufTensor& tensor() const { return tensor_; }

 private:
  ByteSource& source_;
  const GgufTensor& tensor_;
};

/** Turns rows of one tensor into floats: what the file says, exactly. */
class RowDecoder {
 public:
  /** @param factor multiplies ternary scales (a separate `.scale` tensor, or 1). @throws GGUF_TRUNCATED */
  RowDecoder(ByteSource& source, const GgufTensor& tensor, float factor);
  /** @returns whether all is finite. */
  bool decode(const std::uint8_t* bytes, float* out) const;

 private:
  TensorType type_;
  std::size_t cols_;
  float factor_;
};

}  // namespace shard
