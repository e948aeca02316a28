// Where a model's matrices lie: next to each other, since most are no multiple of a huge page, or smaller than one.
#pragma once

#include <cstddef>
#include <memory>

#include "support/aligned_buffer.h"
#include "support/huge_pages.h"

namespace shard {

class WeightMemory {
 public:
  /** Zeros, given back to the system together with all that lies in the same chunk. @throws std::bad_alloc */
  template <typename T>
  AlignedBuffer<T> take(std::size_t count) {
#if defined(__linux__)
    // Larger ones have their own pages: what does not fill a huge one is little beside the rest.
    if (count != 0 && count <= kChunk / 2 / sizeof(T)) {
      const std::size_t bytes = roundUp(count * sizeof(T), AlignedBuffer<T>::kAlignment);
      if (bytes > left_) {
        auto* const data = static_cast<unsigned char*>(mapHugePages(kChunk));
        chunk_ = std::shared_ptr<unsigned char>(data, [](unsigned char* p) { unmapHugePages(p, kChunk); });
        left_ = kChunk;
      }
      auto* const data = reinterpret_cast<T*>(chunk_.get() + (kChunk - left_));
      left_ -= bytes;
      return AlignedBuffer<T>(chunk_, data, count);
    }
#endif
    return AlignedBuffer<T>(count);
  }

#if defined(__linux__)
 private:
  /** Only what is touched takes memory. */
  static constexpr std::size_t kChunk = 32 * kHugePage;

  std::shared_ptr<unsigned char> chunk_;
  std::size_t left_ = 0;
#endif
};

}  // namespace shard
