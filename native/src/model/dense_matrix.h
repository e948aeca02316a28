// Float weights, packed like the ternary ones: groups of 16 rows, [groups][cols][16], one row to a lane.
#pragma once

#include <cstdint>

#include "kernels/kernels.h"
#include "model/tensor_rows.h"
#include "model/weight_memory.h"
#include "support/aligned_buffer.h"

namespace shard {

/** F32, F16 and BF16 as they are; Q4_0, Q8_0 and Q6_K as int8 codes and float32 scales, which say exactly the same. */
class DenseMatrix {
 public:
  /** @throws EngineError, GGUF_INVALID also for values that are not finite. */
  DenseMatrix(const TensorRows& rows, ThreadPool& pool, WeightMemory& memory);

  const DenseView& view() const { return view_; }

 private:
  /** Puts one row of the file in its place; false when a value is not finite. */
  bool placeFloats(std::size_t row, const std::uint8_t* from);
  bool placeBlocks(std::size_t row, const std::uint8_t* from, TensorType type);

  DenseView view_{};
  std::size_t size_ = 0;  // of a value
  AlignedBuffer<std::uint8_t> values_;
  AlignedBuffer<float> scales_;
};

}  // namespace shard
