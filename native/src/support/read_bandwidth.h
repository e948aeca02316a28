// How fast memory can be read: the floor of a pass, which reads every weight once.
#pragma once

#include <cstddef>

namespace shard {

/** What a measurement reads: more than any cache holds. */
constexpr std::size_t kBandwidthBytes = std::size_t{512} << 20;

/**
 * Bytes per second at which `threads` threads together read memory, each a part of its own: the best of some passes.
 * @throws std::bad_alloc, std::system_error
 */
double readBandwidth(int threads);

}  // namespace shard
