// Float weights, packed like the ternary ones: groups of 16 rows, [groups][cols][16], one row to a lane.
#pragma once

#include <cstdint>

#include "gguf/gguf.h"
#include "kernels/kernels.h"
#include "support/aligned_buffer.h"

namespace shard {

class DenseMatrix {
 public:
  /** @throws EngineError, GGUF_INVALID also for values that are not finite. */
  DenseMatrix(ByteSource& source, const GgufTensor& tensor);

  const DenseView& view() const { return view_; }
  void row(int row, float* out) const;

 private:
  DenseView view_{};
  AlignedBuffer<std::uint8_t> values_;
};

}  // namespace shard
