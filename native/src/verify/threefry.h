// Threefry-2x32 with 20 rounds (Salmon et al., SC'11; Random123).
#pragma once

#include <array>
#include <cstdint>

namespace shard {

struct NoiseKey {
  std::uint32_t lo = 0, hi = 0;
};

/** Both words of counters (c0, c1 + i), i < N, [word][i]: as many at once as the compiler has lanes for. */
template <std::size_t N>
std::array<std::array<std::uint32_t, N>, 2> threefry2x32From(NoiseKey key, std::uint32_t c0, std::uint32_t c1) {
  constexpr int kRotations[8] = {13, 15, 26, 6, 17, 29, 16, 24};
  const std::uint32_t keys[3] = {key.lo, key.hi, 0x1bd11bdau ^ key.lo ^ key.hi};
  std::array<std::uint32_t, N> x0, x1;
  for (std::size_t i = 0; i < N; i++) {
    x0[i] = c0 + keys[0];
    x1[i] = c1 + static_cast<std::uint32_t>(i) + keys[1];
  }
  for (std::uint32_t round = 0; round < 20; round++) {
    const int distance = kRotations[round & 7];
    for (std::size_t i = 0; i < N; i++) {
      x0[i] += x1[i];
      x1[i] = ((x1[i] << distance) | (x1[i] >> (32 - distance))) ^ x0[i];
    }
    if ((round & 3) != 3) continue;
    const std::uint32_t injection = (round + 1) >> 2;
    const std::uint32_t first = keys[injection % 3], second = keys[(injection + 1) % 3] + injection;
    for (std::size_t i = 0; i < N; i++) {
      x0[i] += first;
      x1[i] += second;
    }
  }
  return {x0, x1};
}

inline std::array<std::uint32_t, 2> threefry2x32(NoiseKey key, std::uint32_t c0, std::uint32_t c1) {
  const auto words = threefry2x32From<1>(key, c0, c1);
  return {words[0][0], words[1][0]};
}

}  // namespace shard
