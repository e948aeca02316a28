// A fixed block of zeroed memory on a cache line's boundary, or a huge page's where it is large.
#pragma once

#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "support/huge_pages.h"

namespace shard {

template <typename T>
class AlignedBuffer {
  static_assert(std::is_trivially_copyable_v<T>, "raw memory only");

 public:
  static constexpr std::size_t kAlignment = 64;            // a cache line, and an AVX-512 vector

  AlignedBuffer() = default;
  /** @throws std::bad_alloc also when count × sizeof(T) overflows. */
  explicit AlignedBuffer(std::size_t count) : size_(count) {
    if (count == 0) return;
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T) / 2) throw std::bad_alloc();
    const std::size_t bytes = count * sizeof(T);
#if defined(__linux__)
    if (isMapped()) {
      data_ = static_cast<T*>(mapHugePages(bytes));
      return;
    }
#endif
    data_ = static_cast<T*>(::operator new(bytes, std::align_val_t(kAlignment)));
    std::memset(static_cast<void*>(data_), 0, bytes);
  }
  /** Part of memory that others have parts of; the last of them frees it. */
  AlignedBuffer(std::shared_ptr<void> owner, T* data, std::size_t count) : owner_(std::move(owner)), data_(data), size_(count) {}
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : owner_(std::move(other.owner_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(owner_, other.owner_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  ~AlignedBuffer() {
    if (data_ == nullptr || owner_ != nullptr) return;
#if defined(__linux__)
    if (isMapped()) {
      unmapHugePages(data_, size_ * sizeof(T));
      return;
    }
#endif
    ::operator delete(data_, std::align_val_t(kAlignment));
  }

  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }

 private:
#if defined(__linux__)
  bool isMapped() const noexcept { return size_ * sizeof(T) >= 2 * kHugePage; }
#endif

  std::shared_ptr<void> owner_;  // of shared memory
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

/** `n` rounded up to a multiple of `step` (a power of two). */
constexpr std::size_t roundUp(std::size_t n, std::size_t step) { return (n + step - 1) & ~(step - 1); }

}  // namespace shard
