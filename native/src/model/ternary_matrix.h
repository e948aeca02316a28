// Ternary weights in the layouts that the kernels read. Rows go in groups of 16 (the last one filled up with zeros).
//
// TwoBits: for every 16 columns a group has 64 bytes; byte 4r + i holds in bits 2j, 2j+1 the code of row r, column 4j + i. A
// shift and a mask thus give 16 rows × 4 neighbouring columns, in the order in which VPDPBUSD and VPMADDUBSW want them,
// against one broadcast of four activations; the sums come out one row to a lane, without a horizontal add. A code is the
// weight plus one: 0, 1, 2, and 3 for +2 (Q2_0).
//
// BaseThree: the same with 20 columns in 64 bytes, five codes a byte, the first the most significant: a byte is
// ceil(256 · v / 243) − 128 of the number v whose digits they are. Three times the fraction carries the next digit out, and
// with 128 taken off it is three times the byte. 1.6 bits a weight, for models that fit into memory only so: taking the
// digits out costs three times as many instructions.
#pragma once

#include <cstdint>
#include <vector>

#include "gguf/gguf.h"
#include "kernels/kernels.h"
#include "model/tensor_rows.h"
#include "model/weight_memory.h"
#include "support/aligned_buffer.h"

namespace shard {

class TernaryMatrix {
 public:
  /**
   * Reads and packs a tensor. `factor` (a separate `.scale` tensor, or 1) multiplies every scale. BaseThree is only a wish:
   * scales that differ, and weights of +2, are kept in two bits. @throws EngineError
   */
  TernaryMatrix(const TensorRows& rows, float factor, TernaryPacking wish, ThreadPool& pool, WeightMemory& memory);
  /** From codes [rows × cols], one scale: for tests. */
  TernaryMatrix(const std::vector<std::uint8_t>& codes, int rows, int cols, float scale, TernaryPacking packing);

  const TernaryView& view() const { return view_; }

 private:
  void allocate(int rows, int cols, TernaryPacking packing, WeightMemory& memory);
  /** Where a row's first four bytes are. */
  std::uint8_t* codesOf(int row);
  void placeRow(int row, const std::uint8_t* codes);
  /** @returns whether this packing holds what was read. */
  bool pack(const TensorRows& rows, ThreadPool& pool, WeightMemory& memory);

  TernaryView view_{};
  AlignedBuffer<std::uint8_t> codes_;
  AlignedBuffer<std::uint16_t> scales_;
};

}  // namespace shard
