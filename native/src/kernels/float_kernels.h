// The float kernels, written once over 16 lanes `V`: the definition of every order of reduction.
// Included by each kernel set's translation unit inside its own namespace, so that no two sets share a symbol.
// No standard library templates here: the linker could keep the copy that was compiled for a newer processor.
// Needs <math.h>, <cstddef> and kernels.h before it.

constexpr float kInfinity = INFINITY;

template <typename V>
inline V expLanes(V x) {
  // exp(x) = 2^n · e^r, |r| ≤ ln 2 / 2, e^r by its Taylor series to r^7 (error 5e-9, below half a unit).
  const V top = V::set(88.0f), bottom = V::set(-87.0f);
  const V clamped = V::min(V::max(x, bottom), top);
  const V magic = V::set(12582912.0f);  // 1.5 · 2^23: adding it rounds to a whole number
  const V shifted = V::fma(clamped, V::set(1.44269504f), magic);
  const V n = V::sub(shifted, magic);
  V r = V::fma(n, V::set(-0.693359375f), clamped);  // ln 2 in two parts, the first exact in 10 bits
  r = V::fma(n, V::set(2.12194440e-4f), r);
  V p = V::set(1.0f / 5040.0f);
  p = V::fma(p, r, V::set(1.0f / 720.0f));
  p = V::fma(p, r, V::set(1.0f / 120.0f));
  p = V::fma(p, r, V::set(1.0f / 24.0f));
  p = V::fma(p, r, V::set(1.0f / 6.0f));
  p = V::fma(p, r, V::set(0.5f));
  p = V::fma(p, r, V::set(1.0f));
  p = V::fma(p, r, V::set(1.0f));
  return V::zeroWhereBelow(V::scaleByPowerOfTwo(p, shifted), x, bottom);
}

template <typename V>
double sumOfExp(const float* x, int n, float most) {
  const V top = V::set(most);
  const int whole = n / 16 * 16;
  double total = 0;
  // Sums of 64 numbers a lane stay within a few units of their last place; those of a vocabulary would not.
  for (int from = 0; from < whole; from += 1024) {
    const int to = from + 1024 < whole ? from + 1024 : whole;
    V sum = V::set(0.0f);
    for (int i = from; i < to; i += 16) sum = V::add(sum, expLanes(V::sub(V::load(x + i), top)));
    total += static_cast<double>(sum.sum());
  }
  float rest[16];
  for (int i = 0; i < 16; i++) rest[i] = whole + i < n ? x[whole + i] : -kInfinity;
  return total + static_cast<double>(expLanes(V::sub(V::load(rest), top)).sum());
}

template <typename V>
void rmsNorm(const float* x, const float* gain, int n, float epsilon, float* y) {
  V squares = V::set(0.0f);
  for (int i = 0; i < n; i += 16) {
    const V v = V::load(x + i);
    squares = V::fma(v, v, squares);
  }
  const float mean = squares.sum() / static_cast<float>(n);
  const V factor = V::set(1.0f / ::sqrtf(mean + epsilon));
  for (int i = 0; i < n; i += 16) V::mul(V::mul(V::load(x + i), factor), V::load(gain + i)).store(y + i);
}

/** Rounds columns [from, to) by their absolute maximum, at least `least`; returns that maximum. Goes on with the sums. */
template <typename V>
double quantiseSpan(const float* x, int from, int to, double least, signed char* values, int* sums) {
  V largest = V::set(0.0f);
  for (int i = from; i < to; i += 16) largest = V::max(V::abs(V::load(x + i)), largest);
  const float most = largest.largest();
  const double bound = static_cast<double>(most) > least ? static_cast<double>(most) : least;
  const V scale = V::set(static_cast<float>(127.0 / bound));
  for (int i = from; i < to; i += 64) {
    int sum = 0;
    for (int j = i; j < i + 64; j += 16) {
      const V scaled = V::mul(V::load(x + j), scale);
      V::min(V::max(scaled, V::set(-128.0f)), V::set(127.0f)).storeInt8(values + j);
    }
    for (int j = i; j < i + 64; j++) sum += values[j];
    sums[i / 64 + 1] = sums[i / 64] + sum;
  }
  return bound;
}

template <typename V>
void quantise(const float* x, int padded, int group, signed char* values, int* sums, float* scales) {
  sums[0] = 0;
  if (group == 0) {
    scales[0] = static_cast<float>(127.0 / quantiseSpan<V>(x, 0, padded, 1e-5, values, sums));  // BitNet's bound
    return;
  }
  for (int from = 0; from < padded; from += group, scales++) {
    const int to = from + group < padded ? from + group : padded;
    *scales = static_cast<float>(quantiseSpan<V>(x, from, to, 1e-30, values, sums) / 127.0);
  }
}

template <typename V>
void glu(Glu kind, float* gate, const float* up, int n) {
  for (int i = 0; i < n; i += 16) {
    const V g = V::load(gate + i);
    V activated;
    if (kind == Glu::Silu) {
      activated = V::div(g, V::add(V::set(1.0f), expLanes(V::sub(V::set(0.0f), g))));
    } else {
      const V positive = V::max(g, V::set(0.0f));
      activated = V::mul(positive, positive);
    }
    V::mul(activated, V::load(up + i)).store(gate + i);
  }
}

template <typename V>
void toHalf(const float* x, unsigned short* y, int n) {
  for (int i = 0; i < n; i += 16) V::load(x + i).storeHalf(y + i);
}

template <typename V>
void roundToHalf(float* x, int n) {
  unsigned short half[16];
  for (int i = 0; i < n; i += 16) {
    V::load(x + i).storeHalf(half);
    V::loadHalf(half).store(x + i);
  }
}

// --- dense products: lane = row of the matrix, one fma chain over the columns -------------------------------------

/** Where a kernel's weights come from: `at(g, c)` is column c of the g-th group from `group` on, 16 rows. */
template <typename V>
struct WeightsF32 {
  const float* values;
  std::size_t groupSize;
  WeightsF32(const DenseView& m, int group)
      : values(static_cast<const float*>(m.values) + static_cast<std::size_t>(group) * m.cols * 16),
        groupSize(static_cast<std::size_t>(m.cols) * 16) {}
  V at(int g, int c) const { return V::load(values + g * groupSize + static_cast<std::size_t>(c) * 16); }
};
template <typename V>
struct WeightsF16 {
  const unsigned short* values;
  std::size_t groupSize;
  WeightsF16(const DenseView& m, int group)
      : values(static_cast<const unsigned short*>(m.values) + static_cast<std::size_t>(group) * m.cols * 16),
        groupSize(static_cast<std::size_t>(m.cols) * 16) {}
  V at(int g, int c) const { return V::loadHalf(values + g * groupSize + static_cast<std::size_t>(c) * 16); }
};
template <typename V>
struct WeightsBF16 {
  const unsigned short* values;
  std::size_t groupSize;
  WeightsBF16(const DenseView& m, int group)
      : values(static_cast<const unsigned short*>(m.values) + static_cast<std::size_t>(group) * m.cols * 16),
        groupSize(static_cast<std::size_t>(m.cols) * 16) {}
  V at(int g, int c) const { return V::loadBf16(values + g * groupSize + static_cast<std::size_t>(c) * 16); }
};
/** Codes times scales; the product is exact (see model/quantised_blocks.h). */
template <typename V>
struct WeightsInt8 {
  const signed char* codes;
  const float* scales;
  std::size_t groupSize, scaleGroupSize;
  int shift;  // 2^shift columns share a scale
  WeightsInt8(const DenseView& m, int group)
      : codes(static_cast<const signed char*>(m.values) + static_cast<std::size_t>(group) * m.cols * 16),
        scales(m.scales + static_cast<std::size_t>(group) * (m.cols / m.scaleColumns) * 16),
        groupSize(static_cast<std::size_t>(m.cols) * 16),
        scaleGroupSize(static_cast<std::size_t>(m.cols / m.scaleColumns) * 16),
        shift(m.scaleColumns == 16 ? 4 : 5) {}
  V at(int g, int c) const {
    return V::mul(V::loadInt8(codes + g * groupSize + static_cast<std::size_t>(c) * 16),
                  V::load(scales + g * scaleGroupSize + static_cast<std::size_t>(c >> shift) * 16));
  }
};

template <typename V, typename W, int G, int R>
void denseTile(const W& w, int cols, const float* x, std::size_t stride, float* out, std::size_t outStride, bool add) {
  V acc[G][R];
  for (int g = 0; g < G; g++)
    for (int i = 0; i < R; i++) acc[g][i] = V::set(0.0f);
  for (int c = 0; c < cols; c++) {
    V weights[G];
    for (int g = 0; g < G; g++) weights[g] = w.at(g, c);
    for (int i = 0; i < R; i++) {
      const V value = V::set(x[i * stride + c]);
      for (int g = 0; g < G; g++) acc[g][i] = V::fma(value, weights[g], acc[g][i]);
    }
  }
  for (int g = 0; g < G; g++)
    for (int i = 0; i < R; i++) {
      float* to = out + i * outStride + g * 16;
      (add ? V::add(V::load(to), acc[g][i]) : acc[g][i]).store(to);
    }
}

template <typename V, typename W, int G>
void denseRows(const W& w, int cols, const float* x, std::size_t stride, int count, float* out, std::size_t outStride,
               bool add) {
  int i = 0;
  for (; i + 4 <= count && V::kWide; i += 4)
    denseTile<V, W, G, V::kWide ? 4 : 1>(w, cols, x + i * stride, stride, out + i * outStride, outStride, add);
  for (; i + 2 <= count; i += 2)
    denseTile<V, W, G, 2>(w, cols, x + i * stride, stride, out + i * outStride, outStride, add);
  for (; i < count; i++) denseTile<V, W, G, 1>(w, cols, x + i * stride, stride, out + i * outStride, outStride, add);
}

template <typename V, typename W>
void denseGroups(const DenseView& m, const float* x, std::size_t stride, int count, int from, int to, float* out,
                 std::size_t outStride, bool add) {
  constexpr int kTile = V::kWide ? 4 : 2;
  int g = from;
  for (; g + kTile <= to; g += kTile)
    denseRows<V, W, kTile>(W(m, g), m.cols, x, stride, count, out + g * 16, outStride, add);
  for (; g < to; g++) denseRows<V, W, 1>(W(m, g), m.cols, x, stride, count, out + g * 16, outStride, add);
}

template <typename V>
void dense(const DenseView& m, const float* x, std::size_t stride, int count, int from, int to, float* out,
           std::size_t outStride, bool add) {
  switch (m.type) {
    case DenseType::F32: denseGroups<V, WeightsF32<V>>(m, x, stride, count, from, to, out, outStride, add); break;
    case DenseType::F16: denseGroups<V, WeightsF16<V>>(m, x, stride, count, from, to, out, outStride, add); break;
    case DenseType::BF16: denseGroups<V, WeightsBF16<V>>(m, x, stride, count, from, to, out, outStride, add); break;
    case DenseType::Int8: denseGroups<V, WeightsInt8<V>>(m, x, stride, count, from, to, out, outStride, add); break;
  }
}

// --- attention ---------------------------------------------------------------------------------------------------

/** What a cache holds: sixteen of its elements as floats, not yet scaled. */
template <typename V>
struct CachedHalf {
  using Element = unsigned short;
  static constexpr bool kScaled = false;
  static V load(const Element* p) { return V::loadHalf(p); }
};
template <typename V>
struct CachedInt8 {
  using Element = signed char;
  static constexpr bool kScaled = true;
  static V load(const Element* p) { return V::loadInt8(p); }
};

/** Query heads of a task that are taken together, counted through its rows: their keys and values are read and widened once. */
template <int Q>
struct Queries {
  const float* q[Q];
  float* out[Q];
  int count[Q];  // positions that each sees, rising
  Queries(const AttentionTask& t, int first) {
    for (int h = 0; h < Q; h++) {
      const int row = (first + h) / t.queries, head = (first + h) % t.queries;
      const std::size_t offset = row * t.rowStride + static_cast<std::size_t>(head) * t.headDim;
      q[h] = t.q + offset;
      out[h] = t.out + offset;
      count[h] = t.count + row;
    }
  }
  int most() const { return count[Q - 1]; }
};

/** Scores: lane = position, one fma chain over the head's dimensions; then a position's scale, if any. Some see too much yet. */
template <typename V, typename C, int Q>
void attentionScores(const AttentionTask& t, const Queries<Q>& queries) {
  const int blocksOf16 = t.blockPositions / 16;
  const V scale = V::set(t.scale);
  for (int p = 0; p < queries.most(); p += 16) {
    const int block = p / t.blockPositions, inside = p / 16 % blocksOf16;
    const typename C::Element* k =
        static_cast<const typename C::Element*>(t.keys[block]) + static_cast<std::size_t>(inside) * t.headDim * 16;
    V acc[Q];
    for (int h = 0; h < Q; h++) acc[h] = V::set(0.0f);
    for (int d = 0; d < t.headDim; d++) {
      const V key = C::load(k + d * 16);
      for (int h = 0; h < Q; h++) acc[h] = V::fma(V::set(queries.q[h][d]), key, acc[h]);
    }
    if (C::kScaled) {
      const V steps = V::loadHalf(t.scales[block] + inside * 16);
      for (int h = 0; h < Q; h++) acc[h] = V::mul(acc[h], steps);
    }
    for (int h = 0; h < Q; h++) V::mul(acc[h], scale).store(t.scores + h * t.scoreStride + p);
  }
}

/** Scores to probabilities, 0 beyond `count`: sums lane by lane over positions 16 apart, then the lanes' tree. */
template <typename V>
void attentionSoftmax(float* scores, int count) {
  const int padded = (count + 15) & ~15;
  for (int p = count; p < padded; p++) scores[p] = -kInfinity;
  V most = V::set(-kInfinity);
  for (int p = 0; p < padded; p += 16) most = V::max(V::load(scores + p), most);
  const V top = V::set(most.largest());
  V total = V::set(0.0f);
  for (int p = 0; p < padded; p += 16) {
    const V e = expLanes(V::sub(V::load(scores + p), top));
    e.store(scores + p);
    total = V::add(total, e);
  }
  const V inverse = V::set(1.0f / total.sum());
  for (int p = 0; p < padded; p += 16) V::mul(V::load(scores + p), inverse).store(scores + p);
}

/** Probabilities times their positions' scales, so that values need none. */
template <typename V>
void scaleProbabilities(const AttentionTask& t, float* scores, int count) {
  for (int p = 0; p < count; p += 16) {
    const unsigned short* steps = t.scales[p / t.blockPositions] + t.blockPositions + p % t.blockPositions;
    V::mul(V::load(scores + p), V::loadHalf(steps)).store(scores + p);
  }
}

/** out = Σ probability · value: lane = dimension, one fma chain over the positions that a query sees. */
template <typename V, typename C, int Q, int D>
void attentionValues(const AttentionTask& t, const Queries<Q>& queries, int dimension) {
  V acc[Q][D];
  for (int h = 0; h < Q; h++)
    for (int d = 0; d < D; d++) acc[h][d] = V::set(0.0f);
  const int most = queries.most();
  for (int base = 0, block = 0; base < most; base += t.blockPositions, block++) {
    const int end = most - base < t.blockPositions ? most : base + t.blockPositions;
    const int shared = end < queries.count[0] ? end : queries.count[0];
    const typename C::Element* v = static_cast<const typename C::Element*>(t.values[block]) + dimension;
    int p = base;
    for (; p < shared; p++, v += t.headDim) {
      V value[D];
      for (int d = 0; d < D; d++) value[d] = C::load(v + d * 16);
      for (int h = 0; h < Q; h++) {
        const V probability = V::set(t.scores[h * t.scoreStride + p]);
        for (int d = 0; d < D; d++) acc[h][d] = V::fma(probability, value[d], acc[h][d]);
      }
    }
    // Later rows see more. A product with 0 would not do: it would change −0, and what a broken model has for values.
    for (; p < end; p++, v += t.headDim) {
      V value[D];
      for (int d = 0; d < D; d++) value[d] = C::load(v + d * 16);
      for (int h = 0; h < Q; h++) {
        if (p >= queries.count[h]) continue;
        const V probability = V::set(t.scores[h * t.scoreStride + p]);
        for (int d = 0; d < D; d++) acc[h][d] = V::fma(probability, value[d], acc[h][d]);
      }
    }
  }
  for (int h = 0; h < Q; h++)
    for (int d = 0; d < D; d++) acc[h][d].store(queries.out[h] + dimension + d * 16);
}

template <typename V, typename C, int Q>
void attendQueries(const AttentionTask& t, int first) {
  const Queries<Q> queries(t, first);
  attentionScores<V, C, Q>(t, queries);
  for (int h = 0; h < Q; h++) {
    float* scores = t.scores + h * t.scoreStride;
    attentionSoftmax<V>(scores, queries.count[h]);
    if (C::kScaled) scaleProbabilities<V>(t, scores, queries.count[h]);
  }
  constexpr int kDimensions = V::kWide || Q < 4 ? 2 : 1;
  int d = 0;
  for (; d + kDimensions * 16 <= t.headDim; d += kDimensions * 16) attentionValues<V, C, Q, kDimensions>(t, queries, d);
  for (; d < t.headDim; d += 16) attentionValues<V, C, Q, 1>(t, queries, d);
}

template <typename V, typename C>
void attendCached(const AttentionTask& t) {
  const int all = t.rows * t.queries;
  int n = 0;
  for (; n + 8 <= all && V::kWide; n += 8) attendQueries<V, C, V::kWide ? 8 : 1>(t, n);
  for (; n + 4 <= all; n += 4) attendQueries<V, C, 4>(t, n);
  for (; n + 2 <= all; n += 2) attendQueries<V, C, 2>(t, n);
  for (; n < all; n++) attendQueries<V, C, 1>(t, n);
}

template <typename V>
void attend(const AttentionTask& t) {
  if (t.scales != nullptr) attendCached<V, CachedInt8<V>>(t);
  else attendCached<V, CachedHalf<V>>(t);
}
