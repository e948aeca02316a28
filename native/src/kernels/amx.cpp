// AMX kernels: products of integers in tiles of 16 × 16 outputs; everything else, and single rows, as AVX-512 VNNI has it.
//
// One instruction multiplies up to 16 rows of activations with 64 columns of 16 rows of the matrix. Packed weights lie as its
// second operand wants them, 4 neighbouring columns of 16 rows to a line, so codes are unpacked line by line into a few KiB of
// memory that stay in the first cache. A pass over 16 rows then costs little more than reading the weights does.
#include "kernels/kernels.h"

#if defined(__AMX_TILE__) && defined(__AMX_INT8__) && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)

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
/** Two tiles of activations × two of weights: each is used twice, and four of the eight registers hold sums. */
constexpr int kRowsAtOnce = 2 * kLines;
constexpr int kGroupsAtOnce = 2;
#ifndef SHARD_LOOK
#define SHARD_LOOK 4
#endif
/** Tiles that are unpacked ahead: a tile can only be loaded when what was written to its lines has left the core's queue. */
constexpr int kUnpackedAhead = SHARD_LOOK;
static_assert((kUnpackedAhead & (kUnpackedAhead - 1)) == 0, "");
constexpr int kRooms = 2 * kUnpackedAhead;
/** Rows below which AVX-512's products are no slower: they wait for memory as well. */
#ifndef SHARD_LEAST
#define SHARD_LEAST 3
#endif
constexpr int kLeastRows = SHARD_LEAST;

/** What passes between tiles and registers. */
struct alignas(64) Scratch {
  std::uint8_t lines[kRooms][kGroupsAtOnce][kLines * kLineBytes];
  std::int32_t sums[kGroupsAtOnce][kRowsAtOnce][kLines];
  float totals[kGroupsAtOnce][kRowsAtOnce][kLines];
};

/** Inlined always, as prefetch() is. */
[[gnu::always_inline]] inline void prefetchLines(const void* p, int count, std::size_t ahead) {
  for (int i = 0; i < count; i++) prefetch(static_cast<const char*>(p) + i * kLineBytes, ahead);
}

// What products() asks of a matrix beyond its scales: kColumns and kWidth, the columns and lines of a tile; kCode, how much a
// code is more than the weight; groupBytes(); unpack(), which brings a tile into `room`, and tile(), where it then is.

struct TernaryTiles : TernaryWeights {
  static constexpr int kWidth = 16;
  static constexpr int kColumns = 4 * kWidth;
  static constexpr int kCode = 1;
  std::size_t groupBytes() const { return m.groupBytes(); }
  template <int G>
  [[gnu::always_inline]] inline void unpack(std::size_t groupBytes, int group, int column, std::uint8_t* room) const {
    const std::size_t at = static_cast<std::size_t>(column) * 4;
    const std::uint8_t* codes = m.codes + group * groupBytes + at;
    prefetchLines(codes, 4, aheadOf<G>(at, groupBytes, kAhead));
    const __m512i mask = _mm512_set1_epi8(3);
#pragma GCC unroll 4
    for (int block = 0; block < 4; block++) {
      const __m512i packed = _mm512_loadu_si512(codes + block * kLineBytes);
#pragma GCC unroll 4
      for (int j = 0; j < 4; j++)
        _mm512_store_si512(room + (4 * block + j) * kLineBytes, _mm512_and_si512(_mm512_srli_epi16(packed, 2 * j), mask));
    }
  }
  const void* tile(std::size_t, int, int, const std::uint8_t* room) const { return room; }
  template <int Sum, int Left, int Right>
  static void multiply() { tiles::addSignedByUnsigned<Sum, Left, Right>(); }
};

/** The digit that three times x would carry out, x = byte + 128: as in avx512vnni.cpp. */
inline __m512i carried(__m512i x) {
  const __m512i one = _mm512_maskz_set1_epi8(_mm512_cmpgt_epi8_mask(x, _mm512_set1_epi8(-43)), 1);
  return _mm512_mask_mov_epi8(one, _mm512_cmpgt_epi8_mask(x, _mm512_set1_epi8(42)), _mm512_set1_epi8(2));
}

struct BaseThreeTiles : BaseThreeWeights {
  static constexpr int kWidth = 15;  // three blocks of 20 columns
  static constexpr int kColumns = 4 * kWidth;
  static constexpr int kCode = 1;
  std::size_t groupBytes() const { return m.groupBytes(); }
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
  const void* tile(std::size_t, int, int, const std::uint8_t* room) const { return room; }
  template <int Sum, int Left, int Right>
  static void multiply() { tiles::addSignedByUnsigned<Sum, Left, Right>(); }
};

struct Int8Tiles : Int8Weights {
  static constexpr int kWidth = 16;
  static constexpr int kColumns = 4 * kWidth;
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

/** Registers: sums of group g and tile of rows m in 2g + m, activations in 4 and 5, weights in 6 and 7. */
inline tiles::Shapes shapes(int firstRows, int secondRows, int width) {
  tiles::Shapes out;
  const int rows[] = {firstRows, secondRows, firstRows, secondRows, firstRows, secondRows, width, width};
  for (int t = 0; t < 8; t++) {
    out.lines[t] = static_cast<std::uint8_t>(rows[t]);
    out.bytes[t] = static_cast<std::uint16_t>(rows[t] == 0 ? 0 : t == 4 || t == 5 ? 4 * width : kLineBytes);
  }
  return out;
}

template <int G, int M>
void zeroSums() {
  tiles::zero<0>();
  if constexpr (M == 2) tiles::zero<1>();
  if constexpr (G == 2) tiles::zero<2>();
  if constexpr (G == 2 && M == 2) tiles::zero<3>();
}

/** The sums of the first tile's rows, and behind them of the second's. */
template <int G, int M>
void storeSums(Scratch& scratch, int firstRows) {
  tiles::store<0>(scratch.sums[0], kLineBytes);
  if constexpr (M == 2) tiles::store<1>(scratch.sums[0][firstRows], kLineBytes);
  if constexpr (G == 2) tiles::store<2>(scratch.sums[1], kLineBytes);
  if constexpr (G == 2 && M == 2) tiles::store<3>(scratch.sums[1][firstRows], kLineBytes);
}

/** Rows [first, first + count) of activations, the first `inFirst` of them in the first of M tiles. */
struct Rows {
  int first;
  int count;
  int inFirst;
};

/** G groups from `group` on × these rows, whose shapes are set. */
template <int G, int M, typename W>
void products(const W& weights, const Int8Rows& all, int group, Rows rows, float* out, std::size_t outStride, bool add,
              Scratch& scratch) {
  const W w = weights;
  const Int8Rows x = all;
  const signed char* values = x.values + rows.first * x.stride;
  const signed char* second = values + rows.inFirst * x.stride;
  const std::int32_t* before = x.sums + rows.first * x.sumStride;
  const float* steps = x.scales + rows.first * x.scaleStride;
  const int cols = w.m.cols, step = w.step(x);
  const std::size_t groupBytes = w.groupBytes();
  const auto room = [&](int tile, int g) { return scratch.lines[tile & (kRooms - 1)][g]; };
  const auto unpack = [&](int tile) {
    if (tile * W::kColumns >= cols) return;
#pragma GCC unroll 2
    for (int g = 0; g < G; g++) w.template unpack<G>(groupBytes, group + g, tile * W::kColumns, room(tile, g));
  };
  /** The sum of a row's weights times values over columns [from, to): codes' excess goes. */
  const auto sum = [&](int g, int row, int from, int to) {
    const __m512i codes = _mm512_load_si512(scratch.sums[g][row]);
    if constexpr (W::kCode == 0) return Sums{codes};
    const std::int32_t* sums = before + row * x.sumStride;
    return Sums{_mm512_add_epi32(codes, Sums::span(sums + from / kSumColumns, sums + to / kSumColumns).v)};
  };
  const auto take = [&](int from, int to) {
    storeSums<G, M>(scratch, rows.inFirst);
    zeroSums<G, M>();
    Lanes block[G];
    for (int g = 0; g < G; g++) block[g] = w.template blockScale<G>(group + g, from);
    for (int row = 0; row < rows.count; row++)
      for (int g = 0; g < G; g++) {
        float* total = scratch.totals[g][row];
        const Lanes so_far = from == 0 ? Lanes::set(0.0f) : Lanes::load(total);
        afterStep(x, so_far, sum(g, row, from, to).lanes(), block[g], steps[row * x.scaleStride + from / step]).store(total);
      }
  };

  zeroSums<G, M>();
  for (int tile = 0; tile < kUnpackedAhead; tile++) unpack(tile);
  for (int tile = 0, c = 0, from = 0; c < cols; tile++, c += W::kColumns) {
    unpack(tile + kUnpackedAhead);
    tiles::load<4>(values + c, x.stride);
    if constexpr (M == 2) tiles::load<5>(second + c, x.stride);
    tiles::load<6>(w.tile(groupBytes, group, c, room(tile, 0)), kLineBytes);
    W::template multiply<0, 4, 6>();
    if constexpr (M == 2) W::template multiply<1, 5, 6>();
    if constexpr (G == 2) {
      tiles::load<7>(w.tile(groupBytes, group + 1, c, room(tile, 1)), kLineBytes);
      W::template multiply<2, 4, 7>();
      if constexpr (M == 2) W::template multiply<3, 5, 7>();
    }
    if (step != 0 && c + W::kColumns == from + step) {
      take(from, from + step);
      from += step;
    }
  }
  if (step == 0) storeSums<G, M>(scratch, rows.inFirst);
  for (int row = 0; row < rows.count; row++)
    for (int g = 0; g < G; g++) {
      const Lanes total = step == 0 ? sum(g, row, 0, cols).lanes() : Lanes::load(scratch.totals[g][row]);
      float* to = out + (rows.first + row) * outStride + static_cast<std::size_t>(group + g) * kLanes;
      finish(w, x, total, steps[row * x.scaleStride], group + g, to, add);
    }
}

/** All rows in as few turns as hold them, as even as can be: the weights come from the cache but for the first. */
template <typename W>
void groupsOf(const W& w, const Int8Rows& x, int from, int to, float* out, std::size_t outStride, bool add) {
  Scratch scratch;
  int configured = 0;
  for (int group = from; group < to; group += kGroupsAtOnce) {
    int turns = (x.count + kRowsAtOnce - 1) / kRowsAtOnce;
    for (int first = 0; first < x.count; turns--) {
      Rows rows{first, (x.count - first + turns - 1) / turns, 0};
      rows.inFirst = rows.count <= kLines ? rows.count : (rows.count + 1) / 2;
      if (rows.count != configured) tiles::configure(shapes(rows.inFirst, rows.count - rows.inFirst, W::kWidth));
      configured = rows.count;
      const bool two = group + 1 < to;
      if (rows.inFirst == rows.count) {
        if (two) products<2, 1>(w, x, group, rows, out, outStride, add, scratch);
        else products<1, 1>(w, x, group, rows, out, outStride, add, scratch);
      } else {
        if (two) products<2, 2>(w, x, group, rows, out, outStride, add, scratch);
        else products<1, 2>(w, x, group, rows, out, outStride, add, scratch);
      }
      first += rows.count;
    }
  }
  tiles::release();
}

void ternary(const TernaryView& m, const Int8Rows& x, int from, int to, float* out, std::size_t outStride, bool add) {
  if (x.count < kLeastRows) avx512vnniKernels()->ternary(m, x, from, to, out, outStride, add);
  else if (m.packing == TernaryPacking::BaseThree) groupsOf(BaseThreeTiles{{m}}, x, from, to, out, outStride, add);
  else groupsOf(TernaryTiles{{m}}, x, from, to, out, outStride, add);
}

void int8(const Int8View& m, const Int8Rows& x, int from, int to, float* out, std::size_t outStride) {
  if (x.count < kLeastRows) avx512vnniKernels()->int8(m, x, from, to, out, outStride);
  else groupsOf(Int8Tiles{{m}}, x, from, to, out, outStride, false);
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
