#include "model/ternary_matrix.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "support/error.h"
#include "support/half.h"

namespace shard {
namespace {

constexpr std::uint8_t kZeroCode = 0x55;  // four times code 1, weight 0

/** Each decodes one block to codes (weight + 1) and gives its scale. Layouts: native/README.md. */
void decodeTQ2(const std::uint8_t* block, std::uint8_t* codes) {
  for (int half = 0; half < 2; half++)
    for (int level = 0; level < 4; level++)
      for (int p = 0; p < 32; p++) codes[half * 128 + level * 32 + p] = (block[half * 32 + p] >> (2 * level)) & 3;
}

std::uint8_t trit(std::uint8_t byte, int index) {
  static constexpr std::uint8_t kPower[5] = {1, 3, 9, 27, 81};
  const auto shifted = static_cast<std::uint8_t>(byte * kPower[index]);
  return static_cast<std::uint8_t>((shifted * 3u) >> 8);
}

void decodeTQ1(const std::uint8_t* block, std::uint8_t* codes) {
  for (int n = 0; n < 5; n++)
    for (int m = 0; m < 32; m++) codes[n * 32 + m] = trit(block[m], n);
  for (int n = 0; n < 5; n++)
    for (int m = 0; m < 16; m++) codes[160 + n * 16 + m] = trit(block[32 + m], n);
  for (int n = 0; n < 4; n++)
    for (int m = 0; m < 4; m++) codes[240 + n * 4 + m] = trit(block[48 + m], n);
}

void decodeI2S(const std::uint8_t* block, std::uint8_t* codes) {
  for (int part = 0; part < 4; part++)
    for (int p = 0; p < 32; p++) codes[part * 32 + p] = (block[p] >> (6 - 2 * part)) & 3;
}

void decodeQ2(const std::uint8_t* block, std::uint8_t* codes, int weights) {
  for (int j = 0; j < weights; j++) codes[j] = (block[2 + j / 4] >> (2 * (j % 4))) & 3;
}

std::uint16_t half(const std::uint8_t* p) {
  std::uint16_t out;
  std::memcpy(&out, p, 2);
  return out;
}

void decodeBlock(TensorType type, const std::uint8_t* block, std::uint8_t* codes, std::uint16_t* scale) {
  switch (type) {
    case TensorType::TQ2_0: decodeTQ2(block, codes); *scale = half(block + 64); break;
    case TensorType::TQ1_0: decodeTQ1(block, codes); *scale = half(block + 52); break;
    case TensorType::Q2_0: decodeQ2(block, codes, 64); *scale = half(block); break;
    case TensorType::Q2_0_Of128: decodeQ2(block, codes, 128); *scale = half(block); break;
    default: decodeI2S(block, codes); break;
  }
}

[[noreturn]] void notFinite(const GgufTensor& tensor) {
  fail(Code::GgufInvalid, "tensor " + quoted(tensor.name) + " has a scale that is not a finite number");
}

}  // namespace

void TernaryMatrix::allocate(int rows, int cols) {
  view_.rows = rows;
  view_.cols = cols;
  codes_ = AlignedBuffer<std::uint8_t>(static_cast<std::size_t>(view_.groups()) * 4 * static_cast<std::size_t>(cols));
  if (rows % kLanes != 0) {
    const std::size_t group = static_cast<std::size_t>(cols) * 4;
    std::memset(codes_.data() + (view_.groups() - 1) * group, kZeroCode, group);
  }
  view_.codes = codes_.data();
}

void TernaryMatrix::placeRow(int row, const std::uint8_t* codes) {
  std::uint8_t* group = codes_.data() + static_cast<std::size_t>(row / kLanes) * 4 * static_cast<std::size_t>(view_.cols);
  std::uint8_t* to = group + 4 * (row % kLanes);
  for (int c = 0; c < view_.cols; c += 16, to += 64, codes += 16)
    for (int i = 0; i < 4; i++) {
      to[i] = static_cast<std::uint8_t>(codes[i] | codes[4 + i] << 2 | codes[8 + i] << 4 | codes[12 + i] << 6);
    }
}

TernaryMatrix::TernaryMatrix(ByteSource& source, const GgufTensor& tensor, float factor) {
  const BlockShape& shape = *blockShape(tensor.type);
  allocate(static_cast<int>(tensor.rows), static_cast<int>(tensor.cols));
  const bool oneScale = tensor.type == TensorType::I2_S;
  const std::size_t perRow = tensor.cols / shape.weights;
  AlignedBuffer<std::uint16_t> scales;
  if (!oneScale) scales = AlignedBuffer<std::uint16_t>(static_cast<std::size_t>(view_.groups()) * perRow * kLanes);
  std::vector<std::uint8_t> codes(tensor.cols);
  const std::size_t rowBytes = perRow * shape.bytes;
  const std::size_t rowsAtOnce = std::max<std::size_t>(1, (std::size_t{1} << 20) / rowBytes);
  std::vector<std::uint8_t> bytes(rowBytes * std::min<std::size_t>(rowsAtOnce, tensor.rows));
  bool same = true;
  std::uint16_t first = 0;
  for (std::size_t start = 0; start < tensor.rows; start += rowsAtOnce) {
    const std::size_t count = std::min<std::size_t>(rowsAtOnce, tensor.rows - start);
    source.read(tensor.offset + start * rowBytes, bytes.data(), count * rowBytes);
    for (std::size_t i = 0; i < count; i++) {
      const std::size_t row = start + i;
      for (std::size_t b = 0; b < perRow; b++) {
        std::uint16_t scale = 0;
        decodeBlock(tensor.type, bytes.data() + i * rowBytes + b * shape.bytes, codes.data() + b * shape.weights, &scale);
        if (oneScale) continue;
        if ((scale & 0x7c00u) == 0x7c00u) notFinite(tensor);
        if (row == 0 && b == 0) first = scale;
        same = same && scale == first;
        scales[((row / kLanes) * perRow + b) * kLanes + row % kLanes] = scale;
      }
      placeRow(static_cast<int>(row), codes.data());
    }
  }
  if (oneScale) {
    source.read(tensor.offset + rowBytes * tensor.rows, &view_.scale, 4);
  } else if (same) {
    view_.scale = halfToFloat(first);
  } else {
    scales_ = std::move(scales);
    view_.scales = scales_.data();
    view_.scaleColumns = static_cast<int>(shape.weights);
    view_.scale = 1.0f;
    if (factor != 1.0f) {
      fail(Code::GgufUnsupported, "tensor " + quoted(tensor.name) + " has scales of its blocks and a `.scale` besides");
    }
  }
  view_.scale *= factor;
  if (!std::isfinite(view_.scale)) notFinite(tensor);
}

TernaryMatrix::TernaryMatrix(const std::vector<std::uint8_t>& codes, int rows, int cols, float scale) {
  allocate(rows, cols);
  view_.scale = scale;
  for (int r = 0; r < rows; r++) placeRow(r, codes.data() + static_cast<std::size_t>(r) * static_cast<std::size_t>(cols));
}

void TernaryMatrix::row(int row, float* out) const {
  const std::uint8_t* from =
      view_.codes + static_cast<std::size_t>(row / kLanes) * 4 * static_cast<std::size_t>(view_.cols) + 4 * (row % kLanes);
  for (int c = 0; c < view_.cols; c++) {
    const int code = (from[(c / 16) * 64 + c % 4] >> (2 * (c % 16 / 4))) & 3;
    float scale = view_.scale;
    if (view_.scales != nullptr) {
      const std::size_t perRow = static_cast<std::size_t>(view_.cols / view_.scaleColumns);
      scale = halfToFloat(view_.scales[(static_cast<std::size_t>(row / kLanes) * perRow +
                                        static_cast<std::size_t>(c / view_.scaleColumns)) * kLanes +
                                       static_cast<std::size_t>(row % kLanes)]);
    }
    out[c] = static_cast<float>(code - 1) * scale;
  }
}

}  // namespace shard
