// What becomes of exact sums of int8 activations and ternary or int8 weights, once over 16 lanes: after how many columns a sum
// has to become a float, and by what it is scaled. Included by kernel sets inside their own namespaces, after `Lanes`.
// No standard library templates here: see float_kernels.h.

/** Bytes between the scales that are read and those that are fetched. One group's come by themselves, several's too late. */
constexpr std::size_t kScalesAhead = 1024;

/** n, of 2^n. */
constexpr int logarithm(int power) { return power <= 1 ? 0 : 1 + logarithm(power / 2); }

struct TernaryWeights {
  const TernaryView m;  // copies: what lies in the caller's memory would be read again after every store
  const int scaleShift = logarithm(m.scaleColumns);
  /** Columns after which the sum has to become a float; 0: all of them. */
  int step(const Int8Rows& x) const { return x.group != 0 ? x.group : m.scales != nullptr ? m.scaleColumns : 0; }
  template <int G>
  Lanes blockScale(int group, int column) const {
    if (m.scales == nullptr) return Lanes::set(1.0f);
    const std::size_t groupScales = static_cast<std::size_t>(m.cols >> scaleShift) * 16;
    const std::size_t at = static_cast<std::size_t>(column >> scaleShift) * 16;
    const std::uint16_t* scales = m.scales + group * groupScales + at;
    if constexpr (G > 1) prefetch(scales, aheadOf<G>(2 * at, 2 * groupScales, kScalesAhead));
    return Lanes::loadHalf(scales);
  }
  Lanes scaled(Lanes y, int) const { return m.scales != nullptr ? y : Lanes::mul(y, Lanes::set(m.scale)); }
};

/** One scale, and activations with one scale a row: nothing else is packed so. */
struct BaseThreeWeights {
  const TernaryView m;
  int step(const Int8Rows&) const { return 0; }
  template <int G>
  Lanes blockScale(int, int) const { return Lanes::set(1.0f); }
  Lanes scaled(Lanes y, int) const { return Lanes::mul(y, Lanes::set(m.scale)); }
};

struct Int8Weights {
  const Int8View m;
  int step(const Int8Rows& x) const { return x.group; }
  template <int G>
  Lanes blockScale(int, int) const { return Lanes::set(1.0f); }
  Lanes scaled(Lanes y, int group) const { return Lanes::mul(y, Lanes::load(m.scales + static_cast<std::size_t>(group) * 16)); }
};

/** Scales a row's total and puts it where it belongs, or adds it. `factor`: the row's, where it has one. */
template <typename W>
void finish(const W& w, const Int8Rows& x, Lanes total, float factor, int group, float* to, bool add) {
  Lanes y = x.group == 0 ? Lanes::div(total, Lanes::set(factor)) : total;
  y = w.scaled(y, group);
  if (add) y = Lanes::add(Lanes::load(to), y);
  y.store(to);
}
