#include "model/dense_matrix.h"

#include <cmath>
#include <cstring>

#include "model/quantised_blocks.h"

namespace shard {
namespace {

DenseType denseType(TensorType type) {
  switch (type) {
    case TensorType::F32: return DenseType::F32;
    case TensorType::F16: return DenseType::F16;
    case TensorType::BF16: return DenseType::BF16;
    default: return DenseType::Int8;
  }
}

bool finite(DenseType type, const std::uint8_t* p) {
  if (type == DenseType::F32) {
    float value;
    std::memcpy(&value, p, 4);
    return std::isfinite(value);
  }
  std::uint16_t value;
  std::memcpy(&value, p, 2);
  const std::uint16_t exponent = type == DenseType::F16 ? 0x7c00 : 0x7f80;
  return (value & exponent) != exponent;
}

}  // namespace

DenseMatrix::DenseMatrix(const TensorRows& rows, ThreadPool& pool, WeightMemory& memory) {
  const TensorType type = rows.tensor().type;
  const auto cols = static_cast<std::size_t>(rows.cols());
  view_.type = denseType(type);
  view_.rows = rows.rows();
  view_.cols = rows.cols();
  const bool blocks = view_.type == DenseType::Int8;
  size_ = blocks ? 1 : blockShape(type)->bytes;
  const std::size_t lanes = static_cast<std::size_t>(view_.groups()) * kLanes;
  values_ = memory.take<std::uint8_t>(lanes * cols * size_);
  view_.values = values_.data();
  if (blocks) {
    view_.scaleColumns = quantisedScaleColumns(type);
    scales_ = memory.take<float>(lanes * (cols / static_cast<std::size_t>(view_.scaleColumns)));
    view_.scales = scales_.data();
  }
  rows.each(pool, [&](int row, const std::uint8_t* bytes, int) {
    const auto r = static_cast<std::size_t>(row);
    return blocks ? placeBlocks(r, bytes, type) : placeFloats(r, bytes);
  });
}

bool DenseMatrix::placeFloats(std::size_t row, const std::uint8_t* from) {
  const auto cols = static_cast<std::size_t>(view_.cols);
  std::uint8_t* to = values_.data() + ((row / kLanes) * cols * kLanes + row % kLanes) * size_;
  for (std::size_t c = 0; c < cols; c++, from += size_, to += kLanes * size_) {
    if (!finite(view_.type, from)) return false;
    std::memcpy(to, from, size_);
  }
  return true;
}

bool DenseMatrix::placeBlocks(std::size_t row, const std::uint8_t* from, TensorType type) {
  const BlockShape& shape = *blockShape(type);
  const auto cols = static_cast<std::size_t>(view_.cols), share = static_cast<std::size_t>(view_.scaleColumns);
  std::uint8_t* to = values_.data() + (row / kLanes) * cols * kLanes + row % kLanes;
  float* scaleTo = scales_.data() + (row / kLanes) * (cols / share) * kLanes + row % kLanes;
  std::int8_t codes[256];
  float scales[16];
  for (std::size_t c = 0; c < cols; c += shape.weights, from += shape.bytes) {
    if (!decodeQuantised(type, from, codes, scales)) return false;
    for (std::size_t i = 0; i < shape.weights; i++) std::memcpy(to + (c + i) * kLanes, codes + i, 1);
    for (std::size_t i = 0; i < shape.weights / share; i++) scaleTo[(c / share + i) * kLanes] = scales[i];
  }
  return true;
}

}  // namespace shard
