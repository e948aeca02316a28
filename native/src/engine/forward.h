// One pass of the model over a batch of rows.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "engine/sequence.h"
#include "kernels/kernels.h"
#include "model/model.h"
#include "support/thread_pool.h"

namespace shard {

/** One token of the batch. Rows of one sequence follow each other, by rising position. */
struct Row {
  Sequence* sequence = nullptr;
  int token = 0;
  int position = 0;
  bool logits = false;
};

class Forward {
 public:
  /** @param layout of every row's sequence; outlives this */
  Forward(const Model& model, const KernelSet& kernels, ThreadPool& pool, const KvLayout& layout);

  /**
   * Fills the KV cache at the rows' positions (which must be reserved) and computes logits for the rows that ask.
   * Checks `cancelled` between layers. @throws ABORTED, std::bad_alloc
   */
  void run(const std::vector<Row>& rows, const std::atomic<bool>& cancelled);

  /** Logits of the i-th row that asked, [vocab]; valid until the next run. */
  float* logits(std::size_t index) { return logits_.data() + index * logitStride_; }
  std::size_t logitStride() const { return logitStride_; }

 private:
  /** Activations of a batch: floats, and their int8 form. Rows are padded with zeros to a multiple of 64. */
  struct Activations {
    AlignedBuffer<float> x;
    AlignedBuffer<std::int8_t> values;
    AlignedBuffer<std::int32_t> sums;
    AlignedBuffer<float> scales;
    std::size_t stride = 0;
    std::size_t sumStride = 0;
    std::size_t scaleStride = 1;
    int group = 0;  // columns that share a scale; 0: a row
    float* row(int i) { return x.data() + static_cast<std::size_t>(i) * stride; }
    Int8Rows int8Rows(int count) const {
      return {values.data(), sums.data(), scales.data(), stride, sumStride, scaleStride, group, count};
    }
  };

  Activations makeActivations(int capacity, int width, int scaleColumns) const;
  void grow(std::size_t rows);
  void growRope(int positions);
  void growScores(int positions);
  /** RMSNorm of each row into `to` (a copy where the gain is empty), and its int8 form. */
  void normalise(const float* from, std::size_t stride, const Gain& gain, int width, Activations& to, int count);
  /** The same for a gated product: gate = act(gate) · up first. */
  void gateAndNormalise(const Gain& gain, int count);
  struct Product {
    const Matrix* matrix;
    float* out;
    std::size_t stride;
    bool add;
  };
  /** Products of the same activations with several matrices, shared out by groups of rows. */
  void multiply(const Activations& x, int count, const Product* products, int productCount);
  void multiplyGroups(const TernaryView& view, const Activations& x, int count, const Product& product, int from, int to) const;
  void multiplyGroups(const Int8View& view, const Activations& x, int count, const Product& product, int from, int to) const;
  void multiplyGroups(const DenseView& view, const Activations& x, int count, const Product& product, int from, int to) const;
  void normRow(const float* from, const Gain& gain, int width, float* to) const;
  void quantiseRow(Activations& a, int row);
  /** Norms heads where the model does, rotates them, puts keys and values in the cache. */
  void rotateAndStore(int layer, const std::vector<Row>& rows);
  void storeKey(Sequence& sequence, int position, int layer, int head, const float* key);
  void storeValue(Sequence& sequence, int position, int layer, int head, const float* value);
  /** Rows [first, first + count) of a batch: neighbouring positions of one sequence. */
  struct RowGroup {
    int first, count;
  };
  /** Puts rows that attention takes together into groups_. */
  void groupRows(const std::vector<Row>& rows);
  void attention(int layer, const std::vector<Row>& rows);
  /** What ThreadPool::run() is to hand out at least: everything where sharing costs more than it saves. */
  int pieceFor(int count, double workOfOne, int least) const;

  const Model& model_;
  const KernelSet& kernels_;
  ThreadPool& pool_;
  const KvLayout& layout_;
  std::size_t capacity_ = 0;      // rows
  int headGroup_;
  std::size_t logitStride_;
  AlignedBuffer<float> x_;        // the residual stream [rows][width padded]
  std::size_t xStride_;
  Activations normed_;            // [rows][width]
  Activations attended_;          // [rows][heads · headDim]
  Activations hidden_;            // [rows][inner]
  Activations last_;              // [rows that want logits][width]
  AlignedBuffer<float> q_, k_, v_, attnOut_, gate_, up_;
  std::size_t qStride_, kvStride_, innerStride_;
  AlignedBuffer<float> logits_;
  AlignedBuffer<float> rope_;     // [positions][headDim / 2][cos, sin]
  int ropePositions_ = 0;
  std::vector<AlignedBuffer<float>> scores_;  // per thread [kMostQueriesAtOnce][context padded]
  std::size_t scoreStride_ = 0;
  /** Per thread: where a row's KV blocks have one head's keys, values, and scales. */
  struct BlockTable {
    std::vector<const void*> keys, values;
    std::vector<const std::uint16_t*> scales;
  };
  std::vector<BlockTable> tables_;
  std::vector<RowGroup> groups_;
};

}  // namespace shard
