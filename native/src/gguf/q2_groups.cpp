#include "gguf/q2_groups.h"

#include <algorithm>

namespace shard {
namespace {

/** rows · cols ≤ 2^62 / 18 · 64: no product here overflows. */
std::uint64_t sizeAs(TensorType type, const GgufTensor& tensor) {
  const BlockShape& shape = *blockShape(type);
  return tensor.cols / shape.weights * shape.bytes * tensor.rows;
}

}  // namespace

void settleQ2Groups(std::vector<GgufTensor>& tensors, std::uint64_t dataBytes, std::uint64_t alignment) {
  const std::uint64_t wideGroup = blockShape(TensorType::Q2_0_Of128)->weights;
  std::vector<std::uint64_t> offsets;
  for (const GgufTensor& tensor : tensors) {
    if (tensor.type == TensorType::Q2_0 && tensor.cols % wideGroup != 0) return;
    offsets.push_back(tensor.offset);
  }
  std::sort(offsets.begin(), offsets.end());
  const auto aligned = [&](std::uint64_t size) { return (size + alignment - 1) / alignment * alignment; };
  bool wide = false, narrow = false, wideAtEnd = false;
  for (const GgufTensor& tensor : tensors) {
    if (tensor.type != TensorType::Q2_0) continue;
    const std::uint64_t least = sizeAs(TensorType::Q2_0_Of128, tensor), most = sizeAs(TensorType::Q2_0, tensor);
    const auto next = std::upper_bound(offsets.begin(), offsets.end(), tensor.offset);
    const bool last = next == offsets.end();
    const std::uint64_t end = last ? dataBytes : *next;
    const std::uint64_t room = end > tensor.offset ? end - tensor.offset : 0;
    if (room >= most) narrow = narrow || (!last && aligned(most) != aligned(least));
    else if (!last) wide = wide || room >= least;
    else wideAtEnd = wideAtEnd || room == least || room == aligned(least);
  }
  if (narrow || !(wide || wideAtEnd)) return;
  for (GgufTensor& tensor : tensors) {
    if (tensor.type != TensorType::Q2_0) continue;
    tensor.type = TensorType::Q2_0_Of128;
    tensor.bytes = sizeAs(tensor.type, tensor);
  }
}

}  // namespace shard
