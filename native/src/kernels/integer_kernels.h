// The products of int8 activations with ternary and int8 weights, written once over 16 lanes: all but the inner loops.
// Included by each kernel set's translation unit inside its own namespace, after its `Lanes`, which also supplies:
//   struct Sums                 16 int32 sums, one to a row of the matrix: Sums::span(from, to), *from − *to in all; lanes()
//   addTernary<G, R>(codes, groupBytes, values, stride, from, to, sums)    Σ code · value over columns [from, to)
//   addBaseThree<G, R>(codes, groupBytes, values, stride, columns, sums)   the same over all columns of the other packing
//   addInt8<G, R>(weights, groupBytes, values, stride, from, to, sums)     Σ (weight + some offset) · value
//   int8Offset(span)                                                       that offset times the span
//   kGroupsAtOnce, kTernaryRows, kInt8Rows                                 how large a tile its registers hold
// where G groups of 16 rows meet R rows of activations. No standard library templates here: see float_kernels.h.

#include "kernels/integer_weights.h"

// What tile() asks of a matrix beyond that.

struct TernaryTile : TernaryWeights {
  static constexpr int kMostRows = kTernaryRows;
  /** A code is the weight plus 1. */
  static Sums offset(Sums span) { return span; }
  template <int G, int R>
  void add(int group, const signed char* values, std::size_t stride, int from, int to, Sums (&sums)[G][R]) const {
    const std::size_t groupBytes = m.groupBytes();
    addTernary<G, R>(m.codes + group * groupBytes, groupBytes, values, stride, from, to, sums);
  }
};

struct BaseThreeTile : BaseThreeWeights {
  static constexpr int kMostRows = kTernaryRows;
  static Sums offset(Sums span) { return span; }
  template <int G, int R>
  void add(int group, const signed char* values, std::size_t stride, int, int to, Sums (&sums)[G][R]) const {
    const std::size_t groupBytes = m.groupBytes();
    addBaseThree<G, R>(m.codes + group * groupBytes, groupBytes, values, stride, to, sums);
  }
};

struct Int8Tile : Int8Weights {
  static constexpr int kMostRows = kInt8Rows;
  static Sums offset(Sums span) { return int8Offset(span); }
  template <int G, int R>
  void add(int group, const signed char* values, std::size_t stride, int from, int to, Sums (&sums)[G][R]) const {
    const std::size_t groupBytes = static_cast<std::size_t>(m.cols) * 16;
    addInt8<G, R>(m.values + group * groupBytes, groupBytes, values, stride, from, to, sums);
  }
};

/**
 * Leaves a total in memory until its next turn. Where tiles are so large that totals and sums together fill the registers,
 * compilers else take from the inner loop's.
 */
inline void park(Lanes& total) {
#if defined(__GNUC__)
  if constexpr (Lanes::kWide) __asm__("" : "+m"(total));
#else
  (void)total;
#endif
}

/**
 * G groups from `group` on × R rows from `first` on. `Step`: w.step(), which the compiler should know (a loop of four turns
 * costs more than what is in it).
 */
template <int Step, int G, int R, typename W>
void tile(const W& weights, const Int8Rows& rows, int group, int first, float* out, std::size_t outStride, bool add) {
  const W w = weights;
  const Int8Rows x = rows;
  const signed char* values = x.values + first * x.stride;
  const int* before = x.sums + first * x.sumStride;
  const float* steps = x.scales + first * x.scaleStride;
  // Without knowing that there is one step only, GCC keeps the inner loop of narrow sets in registers: an eighth faster.
  const int step = Step != 0 || Lanes::kWide ? Step : w.step(x), cols = w.m.cols;
  Sums sums[G][R];
  Lanes total[G][R];
  const auto start = [&](int from, int to) {
    for (int i = 0; i < R; i++) {
      const int* sum = before + i * x.sumStride;
      const Sums all = W::offset(Sums::span(sum + from / kSumColumns, sum + to / kSumColumns));
      for (int g = 0; g < G; g++) sums[g][i] = all;
    }
  };
  if (step == 0) {
    start(0, cols);
    w.template add<G, R>(group, values, x.stride, 0, cols, sums);
    for (int g = 0; g < G; g++)
      for (int i = 0; i < R; i++) total[g][i] = sums[g][i].lanes();
  } else {
    for (int g = 0; g < G; g++)
      for (int i = 0; i < R; i++) total[g][i] = Lanes::set(0.0f);
    for (int c = 0, s = 0; c < cols; c += step, s++) {
      start(c, c + step);
      w.template add<G, R>(group, values, x.stride, c, c + step, sums);
      for (int g = 0; g < G; g++) {
        const Lanes block = w.template blockScale<G>(group + g, c);
        for (int i = 0; i < R; i++) {
          const Lanes scale = x.group != 0 ? Lanes::mul(block, Lanes::set(steps[i * x.scaleStride + s])) : block;
          total[g][i] = Lanes::fma(sums[g][i].lanes(), scale, total[g][i]);
          park(total[g][i]);
        }
      }
    }
  }
  for (int i = 0; i < R; i++)
    for (int g = 0; g < G; g++) {
      float* to = out + (first + i) * outStride + static_cast<std::size_t>(group + g) * 16;
      finish(w, x, total[g][i], steps[i * x.scaleStride], group + g, to, add);
    }
}

/** Calls tile() for `count` ≤ R rows. */
template <int Step, int G, int R, typename W>
void tileOf(int count, const W& w, const Int8Rows& x, int group, int first, float* out, std::size_t outStride, bool add) {
  if constexpr (R > 1) {
    if (count < R) return tileOf<Step, G, R - 1>(count, w, x, group, first, out, outStride, add);
  }
  tile<Step, G, R>(w, x, group, first, out, outStride, add);
}

/** All rows in as few tiles as hold them, as even as can be: the weights come from the cache but for the first. */
template <int Step, int G, typename W>
void tiles(const W& w, const Int8Rows& x, int group, float* out, std::size_t outStride, bool add) {
  int left = (x.count + W::kMostRows - 1) / W::kMostRows;
  for (int first = 0; first < x.count; left--) {
    const int count = (x.count - first + left - 1) / left;
    tileOf<Step, G, W::kMostRows>(count, w, x, group, first, out, outStride, add);
    first += count;
  }
}

template <int Step, typename W>
void groupsBy(const W& w, const Int8Rows& x, int from, int to, float* out, std::size_t outStride, bool add) {
  int g = from;
  for (; g + kGroupsAtOnce <= to; g += kGroupsAtOnce) tiles<Step, kGroupsAtOnce>(w, x, g, out, outStride, add);
  for (; g < to; g++) tiles<Step, 1>(w, x, g, out, outStride, add);
}

template <typename W>
void groupsOf(const W& w, const Int8Rows& x, int from, int to, float* out, std::size_t outStride, bool add) {
  switch (w.step(x)) {
    case 64: return groupsBy<64>(w, x, from, to, out, outStride, add);
    case 128: return groupsBy<128>(w, x, from, to, out, outStride, add);
    case 256: return groupsBy<256>(w, x, from, to, out, outStride, add);
    default: return groupsBy<0>(w, x, from, to, out, outStride, add);
  }
}

void ternary(const TernaryView& m, const Int8Rows& x, int from, int to, float* out, std::size_t outStride, bool add) {
  if (m.packing == TernaryPacking::BaseThree) groupsBy<0>(BaseThreeTile{{m}}, x, from, to, out, outStride, add);
  else groupsOf(TernaryTile{{m}}, x, from, to, out, outStride, add);
}

void int8(const Int8View& m, const Int8Rows& x, int from, int to, float* out, std::size_t outStride) {
  groupsOf(Int8Tile{{m}}, x, from, to, out, outStride, false);
}
