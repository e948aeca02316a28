// Memory straight from the system, in huge pages where it has them: weights are read end to end in every pass, and with 4 kB
// pages a good part of the time goes into finding them.
#pragma once

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <new>

namespace shard {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

/** Zeros, from a huge page's boundary on; the system clears a page when it is first touched, by whichever thread does. */
inline void* mapHugePages(std::size_t bytes) {
  if (bytes > SIZE_MAX - 2 * kHugePage) throw std::bad_alloc();
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t kept = (bytes + page - 1) / page * page;
  void* const all = mmap(nullptr, kept + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED) throw std::bad_alloc();
  auto* const begin = static_cast<unsigned char*>(all);
  const std::size_t before = (kHugePage - reinterpret_cast<std::uintptr_t>(begin) % kHugePage) % kHugePage;
  if (before > 0) (void)munmap(begin, before);
  if (before < kHugePage) (void)munmap(begin + before + kept, kHugePage - before);
#if defined(MADV_HUGEPAGE)
  (void)madvise(begin + before, kept, MADV_HUGEPAGE);
#endif
  return begin + before;
}

inline void unmapHugePages(void* data, std::size_t bytes) noexcept { (void)munmap(data, bytes); }

}  // namespace shard
#endif
