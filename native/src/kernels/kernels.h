// The kernel set: everything that is worth an instruction set of its own, behind plain function pointers.
// Each set is one translation unit with its own compiler flags; all give the same bits (see native/README.md).
#pragma once

#include <cstddef>
#include <cstdint>

#include "support/prefetch.h"

namespace shard {

/** Rows of a packed matrix that lie together, one to a lane. Row counts in memory are rounded up to it. */
constexpr int kLanes = 16;
/** Activation sums are kept per this many columns; every scale's group is a multiple of it. */
constexpr int kSumColumns = 64;
/** Sums of a row of activations: see Int8Rows. */
constexpr int sumsOf(int columns) { return columns / kSumColumns + 1; }

/** Layouts of ternary weights, and how many columns of 16 rows take 64 bytes: see model/ternary_matrix.h. */
enum class TernaryPacking { TwoBits, BaseThree };
constexpr int kTwoBitColumns = 16;
constexpr int kBaseThreeColumns = 20;

/**
 * How many bytes behind byte `at` of a group that byte lies which is read `ahead` bytes later. G groups that follow each other
 * in memory are read side by side: where one of them ends, its reader goes on behind the last of them.
 */
template <int G>
constexpr std::size_t aheadOf(std::size_t at, std::size_t groupBytes, std::size_t ahead) {
  return at + ahead < groupBytes ? ahead : ahead + (G - 1) * groupBytes;
}

struct TernaryView {
  const std::uint8_t* codes;    // [groups][groupBytes]
  const std::uint16_t* scales;  // f16 [groups][cols / scaleColumns][16]; nullptr: one scale for all
  float scale;                  // when there are no scales
  int rows;
  int cols;          // a multiple of 64
  int scaleColumns;  // 64, 128 or 256; unused without scales
  TernaryPacking packing;  // BaseThree: without scales, and for activations with one scale a row
  int groups() const { return (rows + kLanes - 1) / kLanes; }
  std::size_t groupBytes() const {
    const int columns = packing == TernaryPacking::TwoBits ? kTwoBitColumns : kBaseThreeColumns;
    return static_cast<std::size_t>((cols + columns - 1) / columns) * 64;
  }
};

/** Activations, one token a row: int8 = round(x · 127 / max |x|), the maximum over the row or over each group of columns. */
struct Int8Rows {
  const std::int8_t* values;  // [count][stride], zero beyond the columns; 64 bytes may be read past the end
  const std::int32_t* sums;   // [count][sumStride], of all values before column 64 · k: a span's sum is a difference
  const float* scales;        // [count][scaleStride]: a row's factor, 127 / max; or its groups' steps, max / 127
  std::size_t stride;
  std::size_t sumStride;
  std::size_t scaleStride;
  int group;  // columns, of which a ternary matrix's scaleColumns and columns are multiples; 0: the row
  int count;
};

/** int8 weights with one scale a row, packed: [groups][cols / 4][16][4], values within ±127, zero beyond the columns. */
struct Int8View {
  const std::int8_t* values;
  const float* scales;  // [groups][16]
  int rows;
  int cols;  // a multiple of 64
  int groups() const { return (rows + kLanes - 1) / kLanes; }
};

enum class DenseType { F32, F16, BF16, Int8 };

/** A matrix of floats, packed: [groups][cols][16]. */
struct DenseView {
  const void* values;
  const float* scales;  // Int8: a value is code · scale, scales [groups][cols / scaleColumns][16]; else nullptr
  int scaleColumns;     // 16 or 32
  DenseType type;
  int rows;
  int cols;
  int groups() const { return (rows + kLanes - 1) / kLanes; }
};

enum class Glu { Silu, SquaredRelu };

/** Query heads that attention takes at once at most, whatever the kernel set. */
constexpr int kMostQueriesAtOnce = 8;

/** One KV head and neighbouring rows of one sequence: `queries` heads of each row against the positions that the row sees. */
struct AttentionTask {
  const float* q;                     // [rows][rowStride], of which [queries][headDim]
  const void* const* keys;            // per block of blockPositions: [block / 16][headDim][16], f16 or int8
  const void* const* values;          // per block of blockPositions: [block][headDim], f16 or int8
  /** With int8, per block: f16 scales of the keys [block], then of the values [block]. nullptr: f16. */
  const std::uint16_t* const* scales;
  float* scores;                      // scratch: [kMostQueriesAtOnce][scoreStride]
  float* out;                         // as q
  std::size_t rowStride;
  std::size_t scoreStride;            // ≥ the last row's positions rounded up to 16
  int rows;
  int queries;
  int headDim;  // a multiple of 16
  int count;    // positions [0, count) that the first row sees; each further row sees one more
  int blockPositions;  // a multiple of 16
  float scale;
};

struct KernelSet {
  const char* name;
  /**
   * out[i · outStride + row] = (Σ code·value − Σ value) / factor · scale, rows of groups [from, to); added to out when `add`.
   * With steps: one fma chain over the groups of columns, rising, of the exact sum times (scale · step).
   */
  void (*ternary)(const TernaryView&, const Int8Rows&, int from, int to, float* out, std::size_t outStride, bool add);
  /** The same for int8 weights: (Σ weight · value) / factor · scale, or with steps the fma chain of sum times step, then · scale. */
  void (*int8)(const Int8View&, const Int8Rows&, int from, int to, float* out, std::size_t outStride);
  /** out[i · outStride + row] = one fma chain over the columns, ascending; rows of groups [from, to). */
  void (*dense)(const DenseView&, const float* x, std::size_t stride, int count, int from, int to, float* out,
                std::size_t outStride, bool add);
  /** y = x / rms(x) · gain over n columns (n padded to 16 with zeros in x and gain). */
  void (*rmsNorm)(const float* x, const float* gain, int n, float epsilon, float* y);
  /** int8 by absolute maximum, see Int8Rows. `padded` ≥ n is a multiple of 64; x is zero beyond n; the last group may be short. */
  void (*quantise)(const float* x, int padded, int group, std::int8_t* values, std::int32_t* sums, float* scales);
  /** gate = act(gate) · up, over n (a multiple of 16). */
  void (*glu)(Glu, float* gate, const float* up, int n);
  void (*toHalf)(const float* x, std::uint16_t* y, int n);
  /** x rounded to f16 and back, n a multiple of 16. */
  void (*roundToHalf)(float* x, int n);
  /** Σ e^(x − most) over n numbers, at most `most` each; within 1e-6 of it. */
  double (*sumOfExp)(const float* x, int n, float most);
  void (*attend)(const AttentionTask&);
};

/** Sets that were compiled in and that this processor runs, best first; the last is always `portable`. */
const KernelSet* const* availableKernels();
/** The best set, or the one of that name; nullptr when it does not run here. */
const KernelSet* findKernels(const char* name);

// One per translation unit; nullptr where the compiler's target has no such instructions.
extern const KernelSet kPortableKernels;
const KernelSet* avx2Kernels();
const KernelSet* amxKernels();
const KernelSet* avx512vnniKernels();
const KernelSet* avxvnniKernels();
const KernelSet* neonKernels();

}  // namespace shard
