// AMX kernels: products of integers in tiles of 16 × 16 outputs; everything else, and few rows, as AVX-512 VNNI has it.
//
// One instruction multiplies up to 16 rows of activations with 64 columns of 16 rows of the matrix. Packed weights lie as its
// second operand wants them, 4 neighbouring columns of 16 rows to a line, so codes are unpacked line by line into a few KiB of
// memory that stay in the first cache. A pass over 16 rows then costs little more than reading the weights does.
#include "kernels/kernels.h"

#if defined(__AMX_TILE__) && defined(__AMX_INT8__) && defined(__GFNI__) && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "kernels/amx_tiles.h"

namespace shard {
namespace amx {

#include "kernels/avx512_lanes.h"

#include "kernels/integer_weights.h"

/** Lines of a tile, and outputs to a line of sums. */
constexpr int kLines = 16;
constexpr int kLineBytes = 64;
/** Tiles of activations, each with room for kLines rows. */
constexpr int kMostTiles = 2;
constexpr int kRowsAtOnce = kMostTiles * kLines;
/** Four of the eight registers hold sums: of as many groups, or of two and two tiles of activations. */
constexpr int kGroupsAtOnce = 4;
/**
 * How many tiles of weights are unpacked ahead: one can only be loaded when what was written to its lines has left the core's
 * queue. Their rooms fill a page, not more: a load waits for older stores that lie a multiple of 4 KiB away from it.
 */
constexpr int kUnpackedAhead = 3;
constexpr int kRooms = 4;
static_assert(kUnpackedAhead < kRooms, "a tile is not written over before it was loaded");
/** Rows below which AVX-512's products are no slower, since both wait for memory: where sums become floats once, and often. */
constexpr int kLeastRows = 5;
constexpr int kLeastRowsWithSteps = 3;
/** Rows whose totals fit into registers: of two groups they take half of the 32. */
constexpr int kRowsInRegisters = 8;

/** What passes between tiles and registers. */
struct alignas(64) Scratch {
  std::uint8_t lines[kRooms][kLines * kLineBytes];
  std::int32_t sums[2][kGroupsAtOnce][kRowsAtOnce][kLines];
  float totals[kGroupsAtOnce][kRowsAtOnce][kLines];
  int configured = 0;  // rows, for which tiles' shapes are set
};

/** Inlined always, as prefetch() is. */
[[gnu::always_inline]] inline void prefetchLines(const void* p, int count, std::size_t ahead) {
  for (int i = 0; i < count; i++) prefetch(static_cast<const char*>(p) + i * kLineBytes, ahead);
}

/** Bits `Bit` and `Bit` + 1 of every byte, by a product with a matrix of bits: its last row makes bit 0, its last but one bit 1. */
template <int Bit>
inline __m512i codesAt(__m512i packed) {
  constexpr long long kMatrix = (1ll << Bit) << 56 | (2ll << Bit) << 48;
  return _mm512_gf2p8affine_epi64_epi8(packed, _mm512_set1_epi64(kMatrix), 0);
}

// What products() asks of a matrix beyond its scales: kMayStep, whether sums may become floats before the end; kWidth, the lines
// of a tile, of four columns each; kCode, how much a code is more than the weight; groupBytes(); unpack(), which brings a tile
// into `room`; tile(), where it then is; multiply().

/** Codes that lie packed, whatever their layout. */
template <typename Weights>
struct CodeTiles : Weights {
  static constexpr int kCode = 1;
  std::size_t groupBytes() const { return this->m.groupBytes(); }
  const void* tile(std::size_t, int, int, const std::uint8_t* room) const { return room; }
  template <int Sum, int Left, int Right>
  static void multiply() { tiles::addSignedByUnsigned<Sum, Left, Right>(); }
};

struct TernaryTiles : CodeTiles<TernaryWeights> {
  static constexpr bool kMayStep = true;
  static constexpr int kWidth = 16;
  template <int G>
  [[gnu::always_inline]] inline void unpack(std::size_t groupBytes, int group, int column, std::uint8_t* room) const {
    const std::size_t at = static_cast<std::size_t>(column) * 4;
    const std::uint8_t* codes = m.codes + group * groupBytes + at;
    prefetchLines(codes, 4, aheadOf<G>(at, groupBytes, kAhead));
#pragma GCC unroll 4
    for (int block = 0; block < 4; block++) {
      const __m512i packed = _mm512_loadu_si512(codes + block * kLineBytes);
      std::uint8_t* to = room + 4 * block * kLineBytes;
      _mm512_store_si512(to, _mm512_and_si512(packed, _mm512_set1_epi8(3)));
      _mm512_store_si512(to + kLineBytes, codesAt<2>(packed));
      _mm512_store_si512(to + 2 * kLineBytes, codesAt<4>(packed));
      _mm512_store_si512(to + 3 * kLineBytes, codesAt<6>(packed));
    }
  }
};

struct BaseThreeTiles : CodeTiles<BaseThreeWeights> {
  static constexpr bool kMayStep = false;
  static constexpr int kWidth = 15;  // three blocks of 20 columns
  template <int G>
  [[gnu::always_inline]] inline void unpack(std::size_t groupBytes, int group, int column, std::uint8_t* room) const {
    const std::size_t first = static_cast<std::size_t>(column / kBaseThreeColumns) * kLineBytes;
    for (int block = 0; block < 3; block++, room += 5 * kLineBytes) {
      const std::size_t at = first + block * kLineBytes;
      const bool inside = at < groupBytes;  // the last tile may have fewer blocks
      const std::uint8_t* codes = m.codes + group * groupBytes + (inside ? at : 0);
      if (inside) prefetch(codes, aheadOf<G>(at, groupBytes, kAhead));
      __m512i packed = _mm512_loadu_si512(codes);
#pragma GCC unroll 5
      for (int j = 0; j < 5; j++) {
        _mm512_store_si512(room + j * kLineBytes, inside ? carried(packed) : _mm512_setzero_si512());
        packed = _mm512_add_epi8(packed, _mm512_add_epi8(packed, packed));
      }
    }
  }
};

struct Int8Tiles : Int8Weights {
  static constexpr bool kMayStep = true;
  static constexpr int kWidth = 16;
  static constexpr int kCode = 0;
  std::size_t groupBytes() const { return static_cast<std::size_t>(m.cols) * kLines; }
  template <int G>
  [[gnu::always_inline]] inline void unpack(std::size_t groupBytes, int group, int column, std::uint8_t*) const {
    const std::size_t at = static_cast<std::size_t>(column) * kLines;
    prefetchLines(m.values + group * groupBytes + at, kLines, aheadOf<G>(at, groupBytes, kAhead));
  }
  /** Weights lie as they are used. */
  const void* tile(std::size_t groupBytes, int group, int column, const std::uint8_t*) const {
    return m.values + group * groupBytes + static_cast<std::size_t>(column) * kLines;
  }
  template <int Sum, int Left, int Right>
  static void multiply() { tiles::addSignedBySigned<Sum, Left, Right>(); }
};

/** Registers: sums of group g and tile of rows m in g · M + m, activations in 4 and 5, weights in 6 and 7. */
inline tiles::Shapes shapes(int firstRows, int secondRows, int width) {
  tiles::Shapes out;
  for (int t = 0; t < 8; t++) {
    const bool second = secondRows != 0 && t % 2 != 0;
    out.lines[t] = static_cast<std::uint8_t>(t >= 6 ? width : second ? secondRows : firstRows);
    out.bytes[t] = static_cast<std::uint16_t>(t == 4 || t == 5 ? 4 * width : kLineBytes);
  }
  return out;
}

template <int Count>
[[gnu::always_inline]] inline void zeroSums() {
  if constexpr (Count > 0) {
    zeroSums<Count - 1>();
    tiles::zero<Count - 1>();
  }
}

/** The sums of the first tile's rows, and behind them of the second's. */
template <int M, int Count>
[[gnu::always_inline]] inline void storeSums(std::int32_t (&sums)[kGroupsAtOnce][kRowsAtOnce][kLines], int firstRows) {
  if constexpr (Count > 0) {
    storeSums<M, Count - 1>(sums, firstRows);
    constexpr int t = Count - 1;
    tiles::store<t>(sums[t / M][t % M == 0 ? 0 : firstRows], kLineBytes);
  }
}

/** Whose scales change along the columns, so that sums become floats every few of them: a step. */
enum class Steps { Nobodys, TheWeights, TheActivations };

template <int N>
struct Number {
  static constexpr int kNumber = N;
};

/** Rows [first, first + count) of activations, the first `inFirst` of them in the first of M tiles. */
struct Rows {
  int first;
  int count;
  int inFirst;
};

/** The sums of a row's weights times values: what codes are more than weights is taken off. */
template <typename W>
[[gnu::always_inline]] inline Sums sumsOf(const std::int32_t* codes, Sums span) {
  const __m512i sums = _mm512_load_si512(codes);
  return {W::kCode == 0 ? sums : _mm512_add_epi32(sums, span.v)};
}

/**
 * G groups from `group` on × these rows, whose shapes are set: M tiles of them. R: how many rows, where their totals fit into
 * registers; 0: any, and totals lie in memory.
 */
template <int G, int M, int R, Steps Of, typename W>
[[gnu::noinline]] void products(const W& weights, const Int8Rows& all, int group, Rows rows, float* out, std::size_t outStride,
                                bool add, Scratch& scratch) {
  const W w = weights;
  const Int8Rows x = all;
  const signed char* values = x.values + rows.first * x.stride;
  const signed char* second = values + rows.inFirst * x.stride;
  const std::int32_t* before = x.sums + rows.first * x.sumStride;
  const float* steps = x.scales + rows.first * x.scaleStride;
  constexpr int kColumns = 4 * W::kWidth;
  const int cols = w.m.cols, columns = w.step(x);
  const std::size_t groupBytes = w.groupBytes();
  const int count = R != 0 ? R : rows.count;
  const auto unpack = [&](int tile, int g) __attribute__((always_inline)) {
    if (tile * kColumns >= cols) return;
    w.template unpack<G>(groupBytes, group + g, tile * kColumns, scratch.lines[(tile * G + g) % kRooms]);
  };
  const auto span = [&](int row, int from, int to) {
    const std::int32_t* sums = before + row * x.sumStride;
    return Sums::span(sums + from / kSumColumns, sums + to / kSumColumns);
  };

  Lanes own[G][R != 0 ? R : 1];
  if constexpr (R != 0) {
#pragma GCC unroll 8
    for (int row = 0; row < R; row++)
#pragma GCC unroll 4
      for (int g = 0; g < G; g++) own[g][row] = Lanes::set(0.0f);
  } else if constexpr (Of != Steps::Nobodys) {
    for (int row = 0; row < count; row++)
      for (int g = 0; g < G; g++) Lanes::set(0.0f).store(scratch.totals[g][row]);
  }
  /** Adds the sums of step n, which were stored while the next step's are computed. */
  [[maybe_unused]] const auto take = [&](int n, int from) __attribute__((always_inline)) {
    const auto& sums = scratch.sums[n & 1];
    Lanes block[G];
#pragma GCC unroll 4
    for (int g = 0; g < G; g++) block[g] = w.template blockScale<G>(group + g, from);
#pragma GCC unroll 8
    for (int row = 0; row < count; row++) {
      const Sums excess = span(row, from, from + columns);
      const Lanes step = Lanes::set(Of == Steps::TheActivations ? steps[row * x.scaleStride + n] : 1.0f);
#pragma GCC unroll 4
      for (int g = 0; g < G; g++) {
        const Lanes sum = sumsOf<W>(sums[g][row], excess).lanes();
        const Lanes scale = Of == Steps::TheActivations ? Lanes::mul(block[g], step) : block[g];
        if constexpr (R != 0) own[g][row] = Lanes::fma(sum, scale, own[g][row]);
        else Lanes::fma(sum, scale, Lanes::load(scratch.totals[g][row])).store(scratch.totals[g][row]);
      }
    }
  };

  zeroSums<G * M>();
#pragma GCC unroll 4
  for (int unit = 0; unit < kUnpackedAhead; unit++) unpack(unit / G, unit % G);
  [[maybe_unused]] int taken = 0, end = columns;
  for (int tile = 0, c = 0; c < cols; tile++, c += kColumns) {
    tiles::load<4>(values + c, x.stride);
    if constexpr (M == 2) tiles::load<5>(second + c, x.stride);
    const auto multiply = [&](auto numbered) __attribute__((always_inline)) {
      constexpr int g = decltype(numbered)::kNumber, weights = 6 + g % 2, ahead = g + kUnpackedAhead;
      unpack(tile + ahead / G, ahead % G);
      tiles::load<weights>(w.tile(groupBytes, group + g, c, scratch.lines[(tile * G + g) % kRooms]), kLineBytes);
      W::template multiply<g * M, 4, weights>();
      if constexpr (M == 2) W::template multiply<g * M + 1, 5, weights>();
    };
    multiply(Number<0>());
    if constexpr (G > 1) multiply(Number<1>());
    if constexpr (G > 2) multiply(Number<2>());
    if constexpr (G > 2) multiply(Number<3>());
    if constexpr (Of != Steps::Nobodys) {
      if (c + kColumns != end) continue;
      storeSums<M, G * M>(scratch.sums[taken & 1], rows.inFirst);
      zeroSums<G * M>();
      if (taken > 0) take(taken - 1, end - 2 * columns);
      taken++;
      end += columns;
    }
  }
  if constexpr (Of == Steps::Nobodys) storeSums<M, G * M>(scratch.sums[0], rows.inFirst);
  else take(taken - 1, cols - columns);
#pragma GCC unroll 8
  for (int row = 0; row < count; row++)
#pragma GCC unroll 4
    for (int g = 0; g < G; g++) {
      Lanes total;
      if constexpr (Of == Steps::Nobodys) total = sumsOf<W>(scratch.sums[0][g][row], span(row, 0, cols)).lanes();
      else if constexpr (R != 0) total = own[g][row];
      else total = Lanes::load(scratch.totals[g][row]);
      float* to = out + (rows.first + row) * outStride + static_cast<std::size_t>(group + g) * kLanes;
      finish(w, x, total, steps[row * x.scaleStride], group + g, to, add);
    }
}

/** Calls products() with R, where it is not 0, as many as there are rows. */
template <int G, int M, int R, typename W>
void productsOf(const W& w, const Int8Rows& x, int group, Rows rows, float* out, std::size_t outStride, bool add, Scratch& scratch) {
  if constexpr (R > kLeastRowsWithSteps) {
    if (rows.count != R) return productsOf<G, M, R - 1>(w, x, group, rows, out, outStride, add, scratch);
  }
  if (x.group == 0) {
    if (w.step(x) == 0) products<G, M, 0, Steps::Nobodys>(w, x, group, rows, out, outStride, add, scratch);
    else if constexpr (W::kMayStep && G <= 2) products<G, M, 0, Steps::TheWeights>(w, x, group, rows, out, outStride, add, scratch);
  } else if constexpr (W::kMayStep && G <= 2) {
    products<G, M, R, Steps::TheActivations>(w, x, group, rows, out, outStride, add, scratch);
  }
}

/** G groups × all rows in as few turns as hold them, as even as can be: the weights come from the cache but for the first. */
template <int G, typename W>
void allRows(const W& w, const Int8Rows& x, int group, float* out, std::size_t outStride, bool add, Scratch& scratch) {
  int turns = (x.count + kRowsAtOnce - 1) / kRowsAtOnce;
  for (int first = 0; first < x.count; turns--) {
    Rows rows{first, (x.count - first + turns - 1) / turns, 0};
    rows.inFirst = rows.count <= kLines ? rows.count : (rows.count + 1) / 2;
    if (rows.count != scratch.configured) tiles::configure(shapes(rows.inFirst, rows.count - rows.inFirst, W::kWidth));
    scratch.configured = rows.count;
    if (rows.inFirst < rows.count) {
      if constexpr (G <= 2) productsOf<G, 2, 0>(w, x, group, rows, out, outStride, add, scratch);
    } else if (G == 2 && rows.count <= kRowsInRegisters && w.step(x) != 0) {
      if constexpr (G == 2) productsOf<G, 1, kRowsInRegisters>(w, x, group, rows, out, outStride, add, scratch);
    } else {
      productsOf<G, 1, 0>(w, x, group, rows, out, outStride, add, scratch);
    }
    first += rows.count;
  }
}

template <typename W>
void groupsOf(const W& w, const Int8Rows& x, int from, int to, float* out, std::size_t outStride, bool add) {
  Scratch scratch;
  int group = from;
  if (x.count <= kLines && w.step(x) == 0)
    for (; group + 4 <= to; group += 4) allRows<4>(w, x, group, out, outStride, add, scratch);
  for (; group + 2 <= to; group += 2) allRows<2>(w, x, group, out, outStride, add, scratch);
  for (; group < to; group++) allRows<1>(w, x, group, out, outStride, add, scratch);
  tiles::release();
}

template <typename W>
bool worthwhile(const W& w, const Int8Rows& x) { return x.count >= (w.step(x) == 0 ? kLeastRows : kLeastRowsWithSteps); }

void ternary(const TernaryView& m, const Int8Rows& x, int from, int to, float* out, std::size_t outStride, bool add) {
  const TernaryTiles tiles{{{m}}};
  if (!worthwhile(tiles, x)) avx512vnniKernels()->ternary(m, x, from, to, out, outStride, add);
  else if (m.packing == TernaryPacking::BaseThree) groupsOf(BaseThreeTiles{{{m}}}, x, from, to, out, outStride, add);
  else groupsOf(tiles, x, from, to, out, outStride, add);
}

void int8(const Int8View& m, const Int8Rows& x, int from, int to, float* out, std::size_t outStride) {
  const Int8Tiles tiles{{m}};
  if (worthwhile(tiles, x)) groupsOf(tiles, x, from, to, out, outStride, false);
  else avx512vnniKernels()->int8(m, x, from, to, out, outStride);
}

KernelSet withTiles(KernelSet rest) {
  rest.name = "amx";
  rest.ternary = ternary;
  rest.int8 = int8;
  return rest;
}

}  // namespace amx

const KernelSet* amxKernels() {
  static const KernelSet set = amx::withTiles(*avx512vnniKernels());
  return &set;
}

}  // namespace shard

#else

namespace shard {
const KernelSet* amxKernels() { return nullptr; }
}  // namespace shard

#endif
