#include "model/tensor_rows.h"

#include <cmath>
#include <cstring>

#include "model/quantised_blocks.h"
#include "model/ternary_blocks.h"
#include "support/error.h"
#include "support/half.h"

namespace shard {
namespace {

template <typename T>
T at(const std::uint8_t* bytes, std::size_t index) {
  T out;
  std::memcpy(&out, bytes + index * sizeof(T), sizeof(T));
  return out;
}

bool allFinite(const float* values, std::size_t count) {
  bool finite = true;
  for (std::size_t i = 0; i < count; i++) finite = finite && std::isfinite(values[i]);
  return finite;
}

}  // namespace

void notFinite(const GgufTensor& tensor) {
  fail(Code::GgufInvalid, "tensor " + quoted(tensor.name) + " has a " + (isTernary(tensor.type) ? "scale" : "value") +
                              " that is not a finite number");
}

RowDecoder::RowDecoder(ByteSource& source, const GgufTensor& tensor, float factor)
    : type_(tensor.type), cols_(tensor.cols), factor_(factor) {
  if (type_ != TensorType::I2_S) return;
  float scale;
  source.read(tensor.offset + tensor.rows * cols_ / 4, &scale, 4);
  factor_ *= scale;
  if (!std::isfinite(factor_)) notFinite(tensor);
}

bool RowDecoder::decode(const std::uint8_t* bytes, float* out) const {
  const BlockShape& shape = *blockShape(type_);
  switch (type_) {
    case TensorType::F32:
      std::memcpy(out, bytes, cols_ * sizeof(float));
      return allFinite(out, cols_);
    case TensorType::F16:
      for (std::size_t c = 0; c < cols_; c++) out[c] = halfToFloat(at<std::uint16_t>(bytes, c));
      return allFinite(out, cols_);
    case TensorType::BF16:
      for (std::size_t c = 0; c < cols_; c++) out[c] = bf16ToFloat(at<std::uint16_t>(bytes, c));
      return allFinite(out, cols_);
    default: break;
  }
  bool finite = true;
  for (std::size_t c = 0; c < cols_; c += shape.weights, bytes += shape.bytes) {
    if (isTernary(type_)) {
      std::uint8_t codes[256];
      const std::uint16_t half = decodeTernaryBlock(type_, bytes, codes);
      const float scale = type_ == TensorType::I2_S ? factor_ : halfToFloat(half) * factor_;
      finite = finite && std::isfinite(scale);
      for (std::size_t i = 0; i < shape.weights; i++) out[c + i] = static_cast<float>(codes[i] - 1) * scale;
    } else {
      std::int8_t codes[256];
      float scales[16];
      finite = decodeQuantised(type_, bytes, codes, scales) && finite;
      const auto share = static_cast<std::size_t>(quantisedScaleColumns(type_));
      for (std::size_t i = 0; i < shape.weights; i++) out[c + i] = static_cast<float>(codes[i]) * scales[i / share];
    }
  }
  return finite;
}

}  // namespace shard
