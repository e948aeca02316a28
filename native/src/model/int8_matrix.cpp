#include "model/int8_matrix.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace shard {
namespace {

/** weights[i] = round(x[i] / scale), scale = max |x| / 127. @returns the scale; 0 for a row of zeros. */
float roundRow(const float* x, std::size_t count, std::int8_t* weights) {
  float most = 0.0f;
  for (std::size_t i = 0; i < count; i++) most = std::max(most, std::fabs(x[i]));
  const float scale = most / 127.0f;
  // A magnitude so small that its 127th part is no float any more is as good as zero.
  const float inverse = scale > 0.0f ? 127.0f / most : 0.0f;
  const bool usable = std::isfinite(inverse);
  const float factor = usable ? inverse : 0.0f;
  constexpr float kMagic = 12582912.0f;  // 1.5 · 2^23: adding it rounds to a whole number, half to even
  for (std::size_t i = 0; i < count; i++) {
    const float rounded = x[i] * factor + kMagic - kMagic;
    weights[i] = static_cast<std::int8_t>(static_cast<int>(std::min(std::max(rounded, -127.0f), 127.0f)));
  }
  return usable ? scale : 0.0f;
}

}  // namespace

void Int8Matrix::allocate(int rows, int cols, WeightMemory& memory) {
  view_.rows = rows;
  view_.cols = static_cast<int>(roundUp(static_cast<std::size_t>(cols), 64));
  const std::size_t lanes = static_cast<std::size_t>(view_.groups()) * kLanes;
  values_ = memory.take<std::int8_t>(lanes * static_cast<std::size_t>(view_.cols));
  scales_ = memory.take<float>(lanes);
  view_.values = values_.data();
  view_.scales = scales_.data();
}

void Int8Matrix::placeRow(int row, const std::int8_t* weights) {
  const auto r = static_cast<std::size_t>(row), cols = static_cast<std::size_t>(view_.cols);
  std::int8_t* to = values_.data() + (r / kLanes) * cols * kLanes + 4 * (r % kLanes);
  for (std::size_t c = 0; c < cols; c += 4, to += 4 * kLanes) std::memcpy(to, weights + c, 4);
}

Int8Matrix::Int8Matrix(const TensorRows& rows, ThreadPool& pool, WeightMemory& memory) {
  allocate(rows.rows(), rows.cols(), memory);
  const RowDecoder decoder(rows.source(), rows.tensor(), 1.0f);
  struct Scratch {
    std::vector<float> floats;
    std::vector<std::int8_t> weights;
  };
  const auto cols = static_cast<std::size_t>(view_.cols);
  std::vector<Scratch> scratch(static_cast<std::size_t>(pool.threads()), Scratch{std::vector<float>(cols), std::vector<std::int8_t>(cols)});
  rows.each(pool, [&](int row, const std::uint8_t* bytes, int thread) {
    Scratch& own = scratch[static_cast<std::size_t>(thread)];
    if (!decoder.decode(bytes, own.floats.data())) return false;
    scales_[static_cast<std::size_t>(row)] = roundRow(own.floats.data(), cols, own.weights.data());
    placeRow(row, own.weights.data());
    return true;
  });
}

Int8Matrix::Int8Matrix(const std::vector<std::int8_t>& weights, int rows, int cols, float scale) {
  WeightMemory memory;
  allocate(rows, cols, memory);
  for (int r = 0; r < rows; r++) {
    scales_[static_cast<std::size_t>(r)] = scale;
    placeRow(r, weights.data() + static_cast<std::size_t>(r) * static_cast<std::size_t>(cols));
  }
}

}  // namespace shard
