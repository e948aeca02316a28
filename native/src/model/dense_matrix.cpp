#include "model/dense_matrix.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "support/error.h"
#include "support/half.h"

namespace shard {
namespace {

DenseType denseType(TensorType type) {
  return type == TensorType::F32 ? DenseType::F32 : type == TensorType::F16 ? DenseType::F16 : DenseType::BF16;
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
  const BlockShape& shape = *blockShape(static_cast<std::uint32_t>(tensor.type));
  const std::size_t size = shape.bytes, cols = tensor.cols, rowBytes = cols * size;
  view_.type = denseType(tensor.type);
  view_.rows = static_cast<int>(tensor.rows);
  view_.cols = static_cast<int>(tensor.cols);
  values_ = AlignedBuffer<std::uint8_t>(static_cast<std::size_t>(view_.groups()) * cols * kLanes * size);
  view_.values = values_.data();
  const std::size_t rowsAtOnce = std::max<std::size_t>(1, (std::size_t{1} << 20) / rowBytes);
  std::vector<std::uint8_t> bytes(rowBytes * std::min<std::size_t>(rowsAtOnce, tensor.rows));
  for (std::size_t start = 0; start < tensor.rows; start += rowsAtOnce) {
    const std::size_t count = std::min<std::size_t>(rowsAtOnce, tensor.rows - start);
    source.read(tensor.offset + start * rowBytes, bytes.data(), count * rowBytes);
    for (std::size_t i = 0; i < count; i++) {
      const std::size_t row = start + i;
      const std::uint8_t* from = bytes.data() + i * rowBytes;
      std::uint8_t* to = values_.data() + ((row / kLanes) * cols * kLanes + row % kLanes) * size;
      for (std::size_t c = 0; c < cols; c++, from += size, to += kLanes * size) {
        if (!finite(view_.type, from)) {
          fail(Code::GgufInvalid, "tensor " + quoted(tensor.name) + " has a value that is not a finite number");
        }
        std::memcpy(to, from, size);
      }
    }
  }
}

void DenseMatrix::row(int row, float* out) const {
  const std::size_t at = static_cast<std::size_t>(row / kLanes) * static_cast<std::size_t>(view_.cols) * kLanes +
                         static_cast<std::size_t>(row % kLanes);
  for (int c = 0; c < view_.cols; c++) {
    const std::size_t i = at + static_cast<std::size_t>(c) * kLanes;
    switch (view_.type) {
      case DenseType::F32: out[c] = static_cast<const float*>(view_.values)[i]; break;
      case DenseType::F16: out[c] = halfToFloat(static_cast<const std::uint16_t*>(view_.values)[i]); break;
      case DenseType::BF16: out[c] = bf16ToFloat(static_cast<const std::uint16_t*>(view_.values)[i]); break;
    }
  }
}

}  // namespace shard
