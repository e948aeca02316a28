#include "model/ternary_matrix.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "model/ternary_blocks.h"
#include "support/error.h"
#include "support/half.h"

namespace shard {
namespace {

/** Five codes, the first the most significant digit, as a fraction of 256 rounded up, less 128. */
std::uint8_t toBaseThree(int a, int b, int c, int d, int e) {
  const int value = (((a * 3 + b) * 3 + c) * 3 + d) * 3 + e;
  return static_cast<std::uint8_t>(((value * 256 + 242) / 243) ^ 0x80);
}

bool allEqual(const AlignedBuffer<std::uint16_t>& scales, int rows, std::size_t perRow) {
  for (int row = 0; row < rows; row++) {
    const std::size_t group = static_cast<std::size_t>(row / kLanes) * perRow * kLanes + static_cast<std::size_t>(row % kLanes);
    for (std::size_t b = 0; b < perRow; b++)
      if (scales[group + b * kLanes] != scales[0]) return false;
  }
  return true;
}

}  // namespace

void TernaryMatrix::allocate(int rows, int cols, TernaryPacking packing, WeightMemory& memory) {
  view_ = TernaryView{};
  view_.rows = rows;
  view_.cols = cols;
  view_.packing = packing;
  view_.scale = 1.0f;
  const std::size_t bytes = static_cast<std::size_t>(view_.groups()) * view_.groupBytes();
  // What only tries 1.6 bits may have to be taken back.
  codes_ = packing == TernaryPacking::TwoBits ? memory.take<std::uint8_t>(bytes) : AlignedBuffer<std::uint8_t>(bytes);
  view_.codes = codes_.data();
  const std::vector<std::uint8_t> zeros(static_cast<std::size_t>(cols), 1);
  for (int row = rows; row < view_.groups() * kLanes; row++) placeRow(row, zeros.data());
}

std::uint8_t* TernaryMatrix::codesOf(int row) {
  return codes_.data() + static_cast<std::size_t>(row / kLanes) * view_.groupBytes() + 4 * (row % kLanes);
}

void TernaryMatrix::placeRow(int row, const std::uint8_t* codes) {
  std::uint8_t* to = codesOf(row);
  if (view_.packing == TernaryPacking::TwoBits) {
    for (int c = 0; c < view_.cols; c += 16, to += 64, codes += 16)
      for (int i = 0; i < 4; i++) {
        to[i] = static_cast<std::uint8_t>(codes[i] | codes[4 + i] << 2 | codes[8 + i] << 4 | codes[12 + i] << 6);
      }
    return;
  }
  for (int c = 0; c < view_.cols; c += kBaseThreeColumns, to += 64) {
    // Beyond the columns code 0, which adds nothing whatever it is multiplied with.
    std::uint8_t block[kBaseThreeColumns] = {};
    std::memcpy(block, codes + c, static_cast<std::size_t>(std::min(kBaseThreeColumns, view_.cols - c)));
    for (int i = 0; i < 4; i++) to[i] = toBaseThree(block[i], block[4 + i], block[8 + i], block[12 + i], block[16 + i]);
  }
}

bool TernaryMatrix::pack(const TensorRows& rows, ThreadPool& pool, WeightMemory& memory) {
  const GgufTensor& tensor = rows.tensor();
  const BlockShape& shape = *blockShape(tensor.type);
  const bool oneScale = tensor.type == TensorType::I2_S, baseThree = view_.packing == TernaryPacking::BaseThree;
  const bool direct = !baseThree && packsDirectly(tensor.type);
  const std::size_t perRow = tensor.cols / shape.weights;
  if (!oneScale) scales_ = AlignedBuffer<std::uint16_t>(static_cast<std::size_t>(view_.groups()) * perRow * kLanes);
  std::atomic<bool> fits{true};
  std::vector<std::vector<std::uint8_t>> scratch(static_cast<std::size_t>(pool.threads()), std::vector<std::uint8_t>(tensor.cols));
  rows.each(pool, [&](int row, const std::uint8_t* bytes, int thread) {
    std::uint8_t* codes = scratch[static_cast<std::size_t>(thread)].data();
    std::uint8_t* to = codesOf(row);
    const auto r = static_cast<std::size_t>(row);
    bool finite = true;
    for (std::size_t b = 0; b < perRow; b++) {
      const std::uint8_t* block = bytes + b * shape.bytes;
      const std::uint16_t scale = direct ? packTernaryBlock(tensor.type, block, to + b * shape.weights / kTwoBitColumns * kPackedStride)
                                         : decodeTernaryBlock(tensor.type, block, codes + b * shape.weights);
      if (oneScale) continue;
      finite = finite && (scale & 0x7c00u) != 0x7c00u;
      scales_[((r / kLanes) * perRow + b) * kLanes + r % kLanes] = scale;
    }
    if (direct) return finite;
    if (baseThree && *std::max_element(codes, codes + tensor.cols) > 2) fits.store(false, std::memory_order_relaxed);
    else placeRow(row, codes);
    return finite;
  });
  if (oneScale) {
    rows.source().read(tensor.offset + rows.rowBytes() * tensor.rows, &view_.scale, 4);
  } else if (allEqual(scales_, view_.rows, perRow)) {
    view_.scale = halfToFloat(scales_[0]);
    scales_ = AlignedBuffer<std::uint16_t>();
  } else {
    AlignedBuffer<std::uint16_t> kept = memory.take<std::uint16_t>(scales_.size());
    std::memcpy(kept.data(), scales_.data(), scales_.size() * sizeof(std::uint16_t));
    scales_ = std::move(kept);
    view_.scales = scales_.data();
    view_.scaleColumns = static_cast<int>(shape.weights);
    if (baseThree) return false;
  }
  return fits.load();
}

TernaryMatrix::TernaryMatrix(const TensorRows& rows, float factor, TernaryPacking wish, ThreadPool& pool, WeightMemory& memory) {
  allocate(rows.rows(), rows.cols(), wish, memory);
  if (!pack(rows, pool, memory)) {
    allocate(rows.rows(), rows.cols(), TernaryPacking::TwoBits, memory);
    pack(rows, pool, memory);
  }
  if (view_.scales != nullptr && factor != 1.0f) {
    fail(Code::GgufUnsupported, "tensor " + quoted(rows.tensor().name) + " has scales of its blocks and a `.scale` besides");
  }
  view_.scale *= factor;
  if (!std::isfinite(view_.scale)) notFinite(rows.tensor());
}

TernaryMatrix::TernaryMatrix(const std::vector<std::uint8_t>& codes, int rows, int cols, float scale, TernaryPacking packing) {
  WeightMemory memory;
  allocate(rows, cols, packing, memory);
  view_.scale = scale;
  for (int r = 0; r < rows; r++) placeRow(r, codes.data() + static_cast<std::size_t>(r) * static_cast<std::size_t>(cols));
}

}  // namespace shard
