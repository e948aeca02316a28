// Stands before src/kernels/amx_tiles.h in the build with emulated kernels: the same calls on registers in memory, which keep to
// the shapes that were set, and refuse what a processor would.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "kernels/tile_shapes.h"

namespace shard {
namespace tiles {

namespace emulated {

struct Registers {
  Shapes shapes;
  bool configured = false;
  std::uint8_t at[8][16][64];
};

inline Registers& registers() {
  static thread_local Registers own;
  return own;
}

inline Registers& configured() {
  Registers& own = registers();
  if (!own.configured) std::abort();
  return own;
}

template <int Sum, int Left, int Right, typename Byte>
void addProducts() {
  Registers& r = configured();
  const Shapes& s = r.shapes;
  if (s.lines[Left] != s.lines[Sum] || s.bytes[Right] != s.bytes[Sum] || s.bytes[Left] != 4 * s.lines[Right]) std::abort();
  for (int m = 0; m < s.lines[Sum]; m++)
    for (int n = 0; n < s.bytes[Sum] / 4; n++) {
      std::int32_t sum;
      std::memcpy(&sum, &r.at[Sum][m][4 * n], 4);
      for (int k = 0; k < s.lines[Right]; k++)
        for (int i = 0; i < 4; i++)
          sum += static_cast<std::int8_t>(r.at[Left][m][4 * k + i]) * static_cast<Byte>(r.at[Right][k][4 * n + i]);
      std::memcpy(&r.at[Sum][m][4 * n], &sum, 4);
    }
}

}  // namespace emulated

inline void configure(const Shapes& shapes) {
  emulated::Registers& r = emulated::registers();
  r.shapes = shapes;
  r.configured = true;
  std::memset(r.at, 0, sizeof r.at);
}

inline void release() { emulated::registers().configured = false; }

template <int Tile>
void zero() {
  std::memset(emulated::configured().at[Tile], 0, sizeof emulated::Registers::at[Tile]);
}

template <int Tile>
void load(const void* p, std::size_t stride) {
  emulated::Registers& r = emulated::configured();
  if (r.shapes.lines[Tile] == 0) std::abort();
  zero<Tile>();
  for (std::size_t n = 0; n < r.shapes.lines[Tile]; n++)
    std::memcpy(r.at[Tile][n], static_cast<const char*>(p) + n * stride, r.shapes.bytes[Tile]);
}

template <int Tile>
void store(void* p, std::size_t stride) {
  emulated::Registers& r = emulated::configured();
  if (r.shapes.lines[Tile] == 0) std::abort();
  for (std::size_t n = 0; n < r.shapes.lines[Tile]; n++)
    std::memcpy(static_cast<char*>(p) + n * stride, r.at[Tile][n], r.shapes.bytes[Tile]);
}

template <int Sum, int Left, int Right>
void addSignedByUnsigned() {
  emulated::addProducts<Sum, Left, Right, std::uint8_t>();
}

template <int Sum, int Left, int Right>
void addSignedBySigned() {
  emulated::addProducts<Sum, Left, Right, std::int8_t>();
}

}  // namespace tiles
}  // namespace shard
