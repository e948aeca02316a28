// A fixed block of zeroed memory on a cache line's boundary, or a huge page's where it is large.
#pragma once

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#include <cstddef>
#include <cstdint>
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
#if defined(__linux__)
    if (isMapped()) {
      data_ = static_cast<T*>(map(bytes));
      return;
    }
#endif
    data_ = static_cast<T*>(::operator new(bytes, std::align_val_t(kAlignment)));
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
    if (data_ == nullptr) return;
#if defined(__linux__)
    if (isMapped()) {
      (void)munmap(data_, size_ * sizeof(T));
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

  /** Pages that the system clears when they are first touched, by whichever thread does. */
  static void* map(std::size_t bytes) {
    void* const all = mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) throw std::bad_alloc();
    auto* const begin = static_cast<unsigned char*>(all);
    const std::size_t before = (kHugePage - reinterpret_cast<std::uintptr_t>(begin) % kHugePage) % kHugePage;
    if (before > 0) (void)munmap(begin, before);
    const std::size_t kept = roundUpToPage(bytes);
    if (before + kept < bytes + kHugePage) (void)munmap(begin + before + kept, bytes + kHugePage - before - kept);
#if defined(MADV_HUGEPAGE)
    // Weights are read end to end in every pass: with 4 kB pages a good part of the time goes into finding them.
    (void)madvise(begin + before, bytes, MADV_HUGEPAGE);
#endif
    return begin + before;
  }
  static std::size_t roundUpToPage(std::size_t bytes) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    return (bytes + page - 1) / page * page;
  }
#endif

  T* data_ = nullptr;
  std::size_t size_ = 0;
};

/** `n` rounded up to a multiple of `step` (a power of two). */
constexpr std::size_t roundUp(std::size_t n, std::size_t step) { return (n + step - 1) & ~(step - 1); }

}  // namespace shard
