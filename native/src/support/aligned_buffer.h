// A fixed block of zeroed memory on a cache line's boundary, or a huge page's where it is large.
#pragma once

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <cstddef>
#include <cstring>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

namespace shard {

template <typename T>
class AlignedBuffer {
  static_assert(std::is_trivially_copyable_v<T>, "raw memory only");

 public:
  static constexpr std::size_t kAlignment = 64;            // a cache line, and an AVX-512 vector
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;

  AlignedBuffer() = default;
  /** @throws std::bad_alloc also when count × sizeof(T) overflows. */
  explicit AlignedBuffer(std::size_t count) : size_(count) {
    if (count == 0) return;
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T) / 2) throw std::bad_alloc();
    const std::size_t bytes = count * sizeof(T);
    data_ = static_cast<T*>(::operator new(bytes, alignment()));
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    // Weights are read end to end in every pass: with 4 kB pages a good part of the time goes into finding them.
    if (bytes >= 2 * kHugePage) (void)madvise(data_, bytes, MADV_HUGEPAGE);
#endif
    std::memset(static_cast<void*>(data_), 0, bytes);
  }
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  ~AlignedBuffer() {
    if (data_ != nullptr) ::operator delete(data_, alignment());
  }

  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }

 private:
  std::align_val_t alignment() const noexcept {
    return std::align_val_t(size_ * sizeof(T) >= 2 * kHugePage ? kHugePage : kAlignment);
  }

  T* data_ = nullptr;
  std::size_t size_ = 0;
};

/** `n` rounded up to a multiple of `step` (a power of two). */
constexpr std::size_t roundUp(std::size_t n, std::size_t step) { return (n + step - 1) & ~(step - 1); }

}  // namespace shard
