#include "engine/forward.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "support/error.h"

namespace shard {
namespace {

std::size_t padded(int n) { return roundUp(static_cast<std::size_t>(n), 64); }

// Below this many multiply-adds a step is done by one thread: handing it out would cost more than it saves.
constexpr double kWorthSharing = 400e3;

// Groups of a matrix's rows that are handed out together: kernels take two at a time.
constexpr int kGroupsTogether = 4;

// Rows of one sequence that attention takes together, and the tasks that every thread should have of it at least.
constexpr int kMostRowsTogether = 4;
constexpr int kTasksPerThread = 4;

// Columns that share a scale when the last activations are rounded for an int8 head.
constexpr int kHeadGroup = 64;

}  // namespace

Forward::Forward(const Model& model, const KernelSet& kernels, ThreadPool& pool, const KvLayout& layout)
    : model_(model),
      kernels_(kernels),
      pool_(pool),
      layout_(layout),
      headGroup_(model.head.isTernary() ? model.config.activationGroup : kHeadGroup),
      logitStride_(padded(model.config.vocab)),
      xStride_(padded(model.config.width)),
      qStride_(padded(model.config.queryWidth())),
      kvStride_(padded(model.config.kvWidth())),
      innerStride_(padded(model.config.inner)),
      scores_(static_cast<std::size_t>(pool.threads())),
      tables_(static_cast<std::size_t>(pool.threads())) {}

Forward::Activations Forward::makeActivations(int capacity, int width, int scaleColumns) const {
  Activations out;
  out.group = scaleColumns;
  const auto rows = static_cast<std::size_t>(capacity);
  out.stride = padded(width);
  out.x = AlignedBuffer<float>(rows * out.stride);
  out.values = AlignedBuffer<std::int8_t>(rows * out.stride + 64);  // some kernels read whole blocks of columns
  out.sumStride = static_cast<std::size_t>(sumsOf(static_cast<int>(out.stride)));
  out.sums = AlignedBuffer<std::int32_t>(rows * out.sumStride);
  const auto group = static_cast<std::size_t>(scaleColumns);
  if (group != 0) out.scaleStride = (out.stride + group - 1) / group;
  out.scales = AlignedBuffer<float>(rows * out.scaleStride);
  return out;
}

void Forward::grow(std::size_t rows) {
  if (rows <= capacity_) return;
  const std::size_t capacity = std::max<std::size_t>(rows, capacity_ * 2);
  capacity_ = 0;  // half-made buffers are made again after std::bad_alloc
  const ModelConfig& c = model_.config;
  const int n = static_cast<int>(capacity);
  x_ = AlignedBuffer<float>(capacity * xStride_);
  normed_ = makeActivations(n, c.width, c.activationGroup);
  attended_ = makeActivations(n, c.queryWidth(), c.activationGroup);
  hidden_ = makeActivations(n, c.inner, c.activationGroup);
  last_ = makeActivations(n, c.width, headGroup_);
  q_ = AlignedBuffer<float>(capacity * qStride_);
  k_ = AlignedBuffer<float>(capacity * kvStride_);
  v_ = AlignedBuffer<float>(capacity * kvStride_);
  attnOut_ = AlignedBuffer<float>(capacity * qStride_);
  gate_ = AlignedBuffer<float>(capacity * innerStride_);
  up_ = AlignedBuffer<float>(capacity * innerStride_);
  capacity_ = capacity;
}

void Forward::growRope(int positions) {
  if (positions <= ropePositions_) return;
  const int count = std::min(model_.config.context, std::max(positions, 2 * ropePositions_));
  const int pairs = model_.config.headDim / 2;
  AlignedBuffer<float> table(static_cast<std::size_t>(count) * static_cast<std::size_t>(pairs) * 2);
  const float* factors = model_.ropeFactors.size() > 0 ? model_.ropeFactors.data() : nullptr;
  const Rotation rotation = rotationOf(model_.config.rope, model_.config.headDim, factors);
  for (int p = 0; p < count; p++)
    for (int i = 0; i < pairs; i++) {
      const double angle = p * rotation.frequencies[static_cast<std::size_t>(i)];
      float* entry = table.data() + (static_cast<std::size_t>(p) * static_cast<std::size_t>(pairs) + static_cast<std::size_t>(i)) * 2;
      entry[0] = static_cast<float>(std::cos(angle) * rotation.magnitude);
      entry[1] = static_cast<float>(std::sin(angle) * rotation.magnitude);
    }
  rope_ = std::move(table);
  ropePositions_ = count;
}

void Forward::growScores(int positions) {
  const std::size_t stride = roundUp(static_cast<std::size_t>(positions), kBlockPositions);
  if (stride <= scoreStride_) return;
  scoreStride_ = 0;
  for (auto& scores : scores_) scores = AlignedBuffer<float>(kMostQueriesAtOnce * stride * 2);
  const std::size_t blocks = stride * 2 / kBlockPositions;
  for (BlockTable& table : tables_) {
    table.keys.resize(blocks);
    table.values.resize(blocks);
    table.scales.resize(blocks);
  }
  scoreStride_ = stride * 2;  // room to grow into
}

int Forward::pieceFor(int count, double workOfOne, int least) const {
  return pool_.threads() == 1 || count * workOfOne < kWorthSharing ? std::max(count, 1) : least;
}

void Forward::quantiseRow(Activations& a, int row) {
  const auto i = static_cast<std::size_t>(row);
  kernels_.quantise(a.row(row), static_cast<int>(a.stride), a.group, a.values.data() + i * a.stride,
                    a.sums.data() + i * a.sumStride, a.scales.data() + i * a.scaleStride);
}

void Forward::normRow(const float* from, const Gain& gain, int width, float* to) const {
  if (gain.size() > 0) kernels_.rmsNorm(from, gain.data(), width, model_.config.epsilon, to);
  else std::memcpy(to, from, static_cast<std::size_t>(width) * sizeof(float));
}

void Forward::normalise(const float* from, std::size_t stride, const Gain& gain, int width, Activations& to, int count) {
  pool_.run(count, pieceFor(count, width * 8.0, 1), [&](int begin, int end, int) {
    for (int i = begin; i < end; i++) {
      normRow(from + static_cast<std::size_t>(i) * stride, gain, width, to.row(i));
      quantiseRow(to, i);
    }
  });
}

void Forward::gateAndNormalise(const Gain& gain, int count) {
  const int inner = model_.config.inner;
  pool_.run(count, pieceFor(count, inner * 16.0, 1), [&](int begin, int end, int) {
    for (int i = begin; i < end; i++) {
      float* gate = gate_.data() + static_cast<std::size_t>(i) * innerStride_;
      kernels_.glu(model_.config.graph.glu, gate, up_.data() + static_cast<std::size_t>(i) * innerStride_,
                   static_cast<int>(roundUp(static_cast<std::size_t>(inner), 16)));
      normRow(gate, gain, inner, hidden_.row(i));
      quantiseRow(hidden_, i);
    }
  });
}

void Forward::multiplyGroups(const TernaryView& view, const Activations& x, int count, const Product& product, int from, int to) const {
  kernels_.ternary(view, x.int8Rows(count), from, to, product.out, product.stride, product.add);
}

void Forward::multiplyGroups(const Int8View& view, const Activations& x, int count, const Product& product, int from, int to) const {
  kernels_.int8(view, x.int8Rows(count), from, to, product.out, product.stride);
}

void Forward::multiplyGroups(const DenseView& view, const Activations& x, int count, const Product& product, int from, int to) const {
  kernels_.dense(view, x.x.data(), x.stride, count, from, to, product.out, product.stride, product.add);
}

void Forward::multiply(const Activations& x, int count, const Product* products, int productCount) {
  int total = 0;
  for (int p = 0; p < productCount; p++) total += products[p].matrix->groups();
  const double work = static_cast<double>(products[0].matrix->cols()) * kLanes * (1 + 0.25 * (count - 1));
  pool_.run(total, pieceFor(total, work, kGroupsTogether), [&](int begin, int end, int) {
    int first = 0;
    for (int p = 0; p < productCount; p++) {
      const Product& product = products[p];
      const int groups = product.matrix->groups();
      const int from = std::max(begin - first, 0), to = std::min(end - first, groups);
      first += groups;
      if (from >= to) continue;
      product.matrix->visit([&](const auto& view) { multiplyGroups(view, x, count, product, from, to); });
    }
  });
}

void Forward::rotateAndStore(int layer, const std::vector<Row>& rows) {
  const ModelConfig& c = model_.config;
  const int dim = c.headDim, pairs = dim / 2;
  const int stride = c.graph.ropeNeighbours ? 2 : 1, apart = c.graph.ropeNeighbours ? 1 : pairs;
  const Layer& weights = model_.layers[static_cast<std::size_t>(layer)];
  const auto rotate = [&](float* head, int position, const Gain& norm) {
    if (norm.size() > 0) kernels_.rmsNorm(head, norm.data(), dim, c.epsilon, head);
    const float* table = rope_.data() + static_cast<std::size_t>(position) * static_cast<std::size_t>(dim);
    for (int i = 0; i < pairs; i++) {
      float &first = head[i * stride], &second = head[i * stride + apart];
      const float cosine = table[2 * i], sine = table[2 * i + 1], a = first, b = second;
      first = a * cosine - b * sine;
      second = a * sine + b * cosine;
    }
  };
  const int count = static_cast<int>(rows.size());
  pool_.run(count, pieceFor(count, c.queryWidth() * 8.0, 1), [&](int begin, int end, int) {
    for (int i = begin; i < end; i++) {
      const Row& row = rows[static_cast<std::size_t>(i)];
      float* q = q_.data() + static_cast<std::size_t>(i) * qStride_;
      for (int h = 0; h < c.heads; h++) rotate(q + h * dim, row.position, weights.qNorm);
      kernels_.roundToHalf(q, c.queryWidth());
      for (int h = 0; h < c.kvHeads; h++) {
        float* k = k_.data() + static_cast<std::size_t>(i) * kvStride_ + h * dim;
        rotate(k, row.position, weights.kNorm);
        storeKey(*row.sequence, row.position, layer, h, k);
        storeValue(*row.sequence, row.position, layer, h, v_.data() + static_cast<std::size_t>(i) * kvStride_ + h * dim);
      }
    }
  });
}

namespace {

constexpr int kMostDims = 1024;  // of a head, see ModelConfig's limit

struct Place {
  std::size_t block;
  int inside;
  explicit Place(int position) : block(static_cast<std::size_t>(position / kBlockPositions)), inside(position % kBlockPositions) {}
};

/** One position's dimensions into vectors of 16 positions. */
template <typename T>
void scatterKey(const T* from, int dim, int inside, std::uint8_t* block) {
  T* to = reinterpret_cast<T*>(block) + (inside / 16) * dim * 16 + inside % 16;
  for (int d = 0; d < dim; d++) to[d * 16] = from[d];
}

}  // namespace

void Forward::storeKey(Sequence& sequence, int position, int layer, int head, const float* key) {
  const int dim = model_.config.headDim;
  const Place place(position);
  std::uint8_t* block = sequence.keys(place.block, layer, head);
  if (layout_.type() == KvType::F16) {
    std::uint16_t half[kMostDims];
    kernels_.toHalf(key, half, dim);
    scatterKey(half, dim, place.inside, block);
  } else {
    std::int8_t codes[kMostDims];
    sequence.scales(place.block, layer, head)[place.inside] = quantiseHead(key, dim, codes);
    scatterKey(codes, dim, place.inside, block);
  }
}

void Forward::storeValue(Sequence& sequence, int position, int layer, int head, const float* value) {
  const int dim = model_.config.headDim;
  const Place place(position);
  std::uint8_t* block = sequence.values(place.block, layer, head);
  if (layout_.type() == KvType::F16) {
    kernels_.toHalf(value, reinterpret_cast<std::uint16_t*>(block) + place.inside * dim, dim);
  } else {
    std::int8_t* codes = reinterpret_cast<std::int8_t*>(block) + place.inside * dim;
    sequence.scales(place.block, layer, head)[kBlockPositions + place.inside] = quantiseHead(value, dim, codes);
  }
}

void Forward::groupRows(const std::vector<Row>& rows) {
  // The same keys and values serve them all; fewer where threads would be left without work.
  const int tasks = static_cast<int>(rows.size()) * model_.config.kvHeads;
  const int most = std::min(std::max(tasks / (kTasksPerThread * pool_.threads()), 1), kMostRowsTogether);
  groups_.clear();
  const Sequence* sequence = nullptr;
  for (int i = 0; i < static_cast<int>(rows.size()); i++) {
    const Sequence* own = rows[static_cast<std::size_t>(i)].sequence;
    if (own == sequence && groups_.back().count < most) groups_.back().count++;
    else groups_.push_back({i, 1});
    sequence = own;
  }
}

void Forward::attention(int layer, const std::vector<Row>& rows) {
  const ModelConfig& c = model_.config;
  const int group = c.heads / c.kvHeads;
  int longest = 0;
  for (const Row& row : rows) longest = std::max(longest, row.position + 1);
  const int tasks = static_cast<int>(groups_.size()) * c.kvHeads;
  const double rowsOfOne = static_cast<double>(rows.size()) / static_cast<double>(groups_.size());
  pool_.run(tasks, pieceFor(tasks, 4.0 * longest * group * c.headDim * rowsOfOne, 1), [&](int begin, int end, int thread) {
    BlockTable& table = tables_[static_cast<std::size_t>(thread)];
    for (int task = begin; task < end; task++) {
      const RowGroup& together = groups_[static_cast<std::size_t>(task / c.kvHeads)];
      const int head = task % c.kvHeads;
      const auto i = static_cast<std::size_t>(together.first);
      const Row& row = rows[i];
      const std::size_t blocks = static_cast<std::size_t>((row.position + together.count - 1) / kBlockPositions) + 1;
      for (std::size_t b = 0; b < blocks; b++) {
        table.keys[b] = row.sequence->keys(b, layer, head);
        table.values[b] = row.sequence->values(b, layer, head);
        if (layout_.type() == KvType::Q8) table.scales[b] = row.sequence->scales(b, layer, head);
      }
      AttentionTask t{};
      const std::size_t offset = i * qStride_ + static_cast<std::size_t>(head) * static_cast<std::size_t>(group * c.headDim);
      t.q = q_.data() + offset;
      t.out = attnOut_.data() + offset;
      t.rowStride = qStride_;
      t.keys = table.keys.data();
      t.values = table.values.data();
      t.scales = layout_.type() == KvType::Q8 ? table.scales.data() : nullptr;
      t.scores = scores_[static_cast<std::size_t>(thread)].data();
      t.scoreStride = scoreStride_;
      t.rows = together.count;
      t.queries = group;
      t.headDim = c.headDim;
      t.count = row.position + 1;
      t.blockPositions = kBlockPositions;
      t.scale = 1.0f / std::sqrt(static_cast<float>(c.headDim));
      kernels_.attend(t);
    }
  });
}

void Forward::run(const std::vector<Row>& rows, const std::atomic<bool>& cancelled) {
  const ModelConfig& c = model_.config;
  const int count = static_cast<int>(rows.size());
  int longest = 0, wanted = 0;
  for (const Row& row : rows) {
    longest = std::max(longest, row.position + 1);
    wanted += row.logits ? 1 : 0;
  }
  grow(rows.size());
  growRope(longest);
  growScores(longest);
  groupRows(rows);
  if (logits_.size() < static_cast<std::size_t>(wanted) * logitStride_) {
    logits_ = AlignedBuffer<float>(static_cast<std::size_t>(wanted) * logitStride_);
  }

  for (int i = 0; i < count; i++) {
    model_.embedding.row(rows[static_cast<std::size_t>(i)].token, x_.data() + static_cast<std::size_t>(i) * xStride_);
  }
  for (int l = 0; l < c.layers; l++) {
    if (cancelled.load(std::memory_order_relaxed)) fail(Code::Aborted, "the pass was aborted");
    const Layer& layer = model_.layers[static_cast<std::size_t>(l)];
    normalise(x_.data(), xStride_, layer.attnNorm, c.width, normed_, count);
    const Product qkv[] = {{&layer.q, q_.data(), qStride_, false},
                           {&layer.k, k_.data(), kvStride_, false},
                           {&layer.v, v_.data(), kvStride_, false}};
    multiply(normed_, count, qkv, 3);
    rotateAndStore(l, rows);
    attention(l, rows);
    normalise(attnOut_.data(), qStride_, layer.attnSubNorm, c.queryWidth(), attended_, count);
    const Product output[] = {{&layer.attnOutput, x_.data(), xStride_, true}};
    multiply(attended_, count, output, 1);

    normalise(x_.data(), xStride_, layer.ffnNorm, c.width, normed_, count);
    const Product gateUp[] = {{&layer.gate, gate_.data(), innerStride_, false},
                              {&layer.up, up_.data(), innerStride_, false}};
    multiply(normed_, count, gateUp, 2);
    gateAndNormalise(layer.ffnSubNorm, count);
    const Product down[] = {{&layer.down, x_.data(), xStride_, true}};
    multiply(hidden_, count, down, 1);
  }
  if (cancelled.load(std::memory_order_relaxed)) fail(Code::Aborted, "the pass was aborted");
  if (wanted == 0) return;

  // The rows that want logits move together, so that the head sees no other.
  int next = 0;
  for (int i = 0; i < count; i++) {
    if (!rows[static_cast<std::size_t>(i)].logits) continue;
    if (next != i) {
      std::memcpy(x_.data() + static_cast<std::size_t>(next) * xStride_, x_.data() + static_cast<std::size_t>(i) * xStride_,
                  xStride_ * sizeof(float));
    }
    next++;
  }
  normalise(x_.data(), xStride_, model_.outputNorm, c.width, last_, wanted);
  const Product head[] = {{&model_.head, logits_.data(), logitStride_, false}};
  multiply(last_, wanted, head, 1);
}

}  // namespace shard
