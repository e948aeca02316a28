// What AMX's tile registers are told to be, by the processor's instructions and where they are emulated alike.
#pragma once

#include <cstdint>

namespace shard {
namespace tiles {

/** How many lines a register has, and how many bytes each. All of them at once are set; what they held is lost. */
struct alignas(64) Shapes {
  std::uint8_t palette = 1;
  std::uint8_t startRow = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t bytes[16] = {};
  std::uint8_t lines[16] = {};
};
static_assert(sizeof(Shapes) == 64, "as the processor reads it");

}  // namespace tiles
}  // namespace shard
