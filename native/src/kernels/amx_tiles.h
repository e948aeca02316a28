// AMX's instructions on its eight tile registers, up to 16 lines of 64 bytes each. The compiler's own intrinsics take no
// template's number for a register, and GCC's do not say that they read memory.
// Where the processor lacks them, native/emulated-vnni/kernels/amx_tiles.h stands before this file.
#pragma once

#include <cstddef>

#include "kernels/tile_shapes.h"

namespace shard {
namespace tiles {

inline void configure(const Shapes& shapes) { __asm__ volatile("ldtilecfg %0" : : "m"(shapes)); }

/** Gives the registers back: a thread that keeps them makes each of its switches dearer. */
inline void release() { __asm__ volatile("tilerelease"); }

template <int Tile>
[[gnu::always_inline]] inline void zero() {
  __asm__ volatile("tilezero %%tmm%c0" : : "i"(Tile));
}

/** Line n from p + n · stride. */
template <int Tile>
[[gnu::always_inline]] inline void load(const void* p, std::size_t stride) {
  __asm__ volatile("tileloadd (%1,%2,1), %%tmm%c0" : : "i"(Tile), "r"(p), "r"(stride) : "memory");
}

template <int Tile>
[[gnu::always_inline]] inline void store(void* p, std::size_t stride) {
  __asm__ volatile("tilestored %%tmm%c0, (%1,%2,1)" : : "i"(Tile), "r"(p), "r"(stride) : "memory");
}

/** Sum[m][n] += Σ Left[m][4k + i] · Right[k][4n + i] over lines k of Right and i < 4; signed bytes by unsigned, sums of int32. */
template <int Sum, int Left, int Right>
[[gnu::always_inline]] inline void addSignedByUnsigned() {
  __asm__ volatile("tdpbsud %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(Sum), "i"(Left), "i"(Right));
}

/** The same of signed bytes by signed ones. */
template <int Sum, int Left, int Right>
[[gnu::always_inline]] inline void addSignedBySigned() {
  __asm__ volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(Sum), "i"(Left), "i"(Right));
}

}  // namespace tiles
}  // namespace shard
