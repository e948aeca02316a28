// Ternary weights in the layout that the kernels read.
//
// Rows go in groups of 16 (the last one filled up with zeros). For every 16 columns a group has 64 bytes: byte 4r + i
// holds in bits 2j, 2j+1 the code of row r, column 4j + i. A shift and a mask thus give 16 rows × 4 neighbouring
// columns, in the order in which VPDPBUSD and VPMADDUBSW want them, against one broadcast of four activations; the sums
// come out one row to a lane, without a horizontal add. A code is the weight plus one: 0, 1, 2, and 3 for +2 (Q2_0).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gguf/gguf.h"
#include "kernels/kernels.h"
#include "support/aligned_buffer.h"

namespace shard {

class TernaryMatrix {
 public:
  /** Reads and repacks a tensor. `factor` (a separate `.scale` tensor, or 1) multiplies every scale. @throws EngineError */
  TernaryMatrix(ByteSource& source, const GgufTensor& tensor, float factor);
  /** From codes [rows × cols], one scale: for tests. */
  TernaryMatrix(const std::vector<std::uint8_t>& codes, int rows, int cols, float scale);

  const TernaryView& view() const { return view_; }
  /** Row `row` as floats, code − 1 times its scale. */
  void row(int row, float* out) const;

 private:
  void allocate(int rows, int cols);
  void placeRow(int row, const std::uint8_t* codes);

  TernaryView view_{};
  AlignedBuffer<std::uint8_t> codes_;
  AlignedBuffer<std::uint16_t> scales_;
};

}  // namespace shard
