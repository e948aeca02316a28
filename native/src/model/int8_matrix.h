// Float weights rounded to int8, one scale a row: how an engine keeps a head unless it is asked for the file's own numbers.
//
// A row's scale is its largest magnitude over 127, so that rounding moves a weight by at most 0.4 % of it. Packed like the
// ternary ones, [groups of 16 rows][cols / 4][16][4], one byte a weight; columns are filled up with zeros to a multiple of 64.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/kernels.h"
#include "model/tensor_rows.h"
#include "model/weight_memory.h"
#include "support/aligned_buffer.h"

namespace shard {

class Int8Matrix {
 public:
  /** Reads, rounds and packs a tensor of any type. @throws EngineError */
  Int8Matrix(const TensorRows& rows, ThreadPool& pool, WeightMemory& memory);
  /** From weights [rows × cols] within ±127: for tests. */
  Int8Matrix(const std::vector<std::int8_t>& weights, int rows, int cols, float scale);

  const Int8View& view() const { return view_; }

 private:
  void allocate(int rows, int cols, WeightMemory& memory);
  void placeRow(int row, const std::int8_t* weights);

  Int8View view_{};
  AlignedBuffer<std::int8_t> values_;
  AlignedBuffer<float> scales_;
};

}  // namespace shard
