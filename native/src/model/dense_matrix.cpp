#include "model/dense_matrix.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "model/quantised_blocks.h"
#include "support/error.h"
#include "support/half.h"

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

DenseMatrix::DenseMatrix(ByteSource& source, const GgufTensor& tensor) {
  const BlockShape& shape = *blockShape(tensor.type);
  const std::size_t cols = tensor.cols, rowBytes = cols / shape.weights * shape.bytes;
  view_.type = denseType(tensor.type);
  view_.rows = static_cast<int>(tensor.rows);
  view_.cols = static_cast<int>(tensor.cols);
  const bool blocks = view_.type == DenseType::Int8;
  size_ = blocks ? 1 : shape.bytes;
  const std::size_t lanes = static_cast<std::size_t>(view_.groups()) * kLanes;
  values_ = AlignedBuffer<std::uint8_t>(lanes * cols * size_);
  view_.values = values_.data();
  if (blocks) {
    view_.scaleColumns = quantisedScaleColumns(tensor.type);
    scales_ = AlignedBuffer<float>(lanes * (cols / static_cast<std::size_t>(view_.scaleColumns)));
    view_.scales = scales_.data();
  }
  const std::size_t rowsAtOnce = std::max<std::size_t>(1, (std::size_t{1} << 20) / rowBytes);
  std::vector<std::uint8_t> bytes(rowBytes * std::min<std::size_t>(rowsAtOnce, tensor.rows));
  for (std::size_t start = 0; start < tensor.rows; start += rowsAtOnce) {
    const std::size_t count = std::min<std::size_t>(rowsAtOnce, tensor.rows - start);
    source.read(tensor.offset + start * rowBytes, bytes.data(), count * rowBytes);
    for (std::size_t i = 0; i < count; i++) {
      const std::uint8_t* from = bytes.data() + i * rowBytes;
      if (!(blocks ? placeBlocks(start + i, from, tensor.type) : placeFloats(start + i, from))) {
        fail(Code::GgufInvalid, "tensor " + quoted(tensor.name) + " has a value that is not a finite number");
      }
    }
  }
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

void DenseMatrix::row(int row, float* out) const {
  const auto cols = static_cast<std::size_t>(view_.cols), group = static_cast<std::size_t>(row / kLanes),
             lane = static_cast<std::size_t>(row % kLanes);
  for (std::size_t c = 0; c < cols; c++) {
    const std::size_t i = (group * cols + c) * kLanes + lane;
    switch (view_.type) {
      case DenseType::F32: out[c] = static_cast<const float*>(view_.values)[i]; break;
      case DenseType::F16: out[c] = halfToFloat(static_cast<const std::uint16_t*>(view_.values)[i]); break;
      case DenseType::BF16: out[c] = bf16ToFloat(static_cast<const std::uint16_t*>(view_.values)[i]); break;
      case DenseType::Int8: {
        const auto share = static_cast<std::size_t>(view_.scaleColumns);
        out[c] = static_cast<float>(static_cast<const std::int8_t*>(view_.values)[i]) *
                 view_.scales[(group * (cols / share) + c / share) * kLanes + lane];
        break;
      }
    }
  }
}

}  // namespace shard
