// Workers that share the rows of one product. Splits never touch a reduction, so results do not depend on them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace shard {

class ThreadPool {
 public:
  /** @param threads in all, the caller's included. */
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /**
   * Calls body(from, to, thread) over [0, count) in pieces, multiples of `piece` but for the last, on this thread and the
   * workers; returns when all are done. The first pieces are large, so that each thread reads memory in long runs; the last
   * ones are small, so that all end together. One call at a time. `body` must not throw.
   */
  template <typename F>
  void run(int count, int piece, F&& body) {
    if (workers_.empty() || count <= piece) {
      if (count > 0) body(0, count, 0);
      return;
    }
    runShared(count, piece, [](void* f, int from, int to, int thread) { (*static_cast<F*>(f))(from, to, thread); }, &body);
  }

 private:
  using Call = void (*)(void*, int, int, int);

  /** Half of an even share of what is left, at least `piece`. */
  int nextSize(int left, int piece) const;
  void runShared(int count, int piece, Call call, void* context);
  /** Takes pieces of job `epoch` until none is left. */
  void work(std::uint32_t epoch, int thread);
  void workerLoop(int thread);

  // What is next: epoch of the job in the high half, its next index in the low half. A thread takes a piece by
  // compare-and-swap, so a late worker of an old epoch can take nothing. kClosed: the job is being set up.
  static constexpr std::uint32_t kClosed = 0xffffffffu;
  static std::uint64_t pack(std::uint32_t epoch, std::uint32_t next) {
    return (static_cast<std::uint64_t>(epoch) << 32) | next;
  }

  alignas(64) std::atomic<std::uint64_t> next_{pack(0, kClosed)};
  alignas(64) std::atomic<int> done_{0};  // indices finished
  std::atomic<int> count_{0};
  std::atomic<int> piece_{1};
  std::atomic<Call> call_{nullptr};
  std::atomic<void*> context_{nullptr};

  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<int> sleeping_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> workers_;
};

}  // namespace shard
