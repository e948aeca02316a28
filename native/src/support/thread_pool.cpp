#include "support/thread_pool.h"

#include <chrono>
#include <system_error>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace shard {
namespace {

inline void pause() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Between two products of one pass a worker spins; between passes it sleeps. Long enough for the serial steps in
// between, short enough to cost little when the machine is shared.
constexpr int kSpins = 2000;
constexpr int kSpinsBeforeYield = 20000;

}  // namespace

ThreadPool::ThreadPool(int threads) {
  for (int i = 1; i < threads; i++) {
    try {
      workers_.emplace_back([this, i] { workerLoop(i); });
    } catch (const std::system_error&) {
      break;  // the system gives no more threads: run on what there is
    }
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_.store(true);
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::runShared(int count, int piece, Call call, void* context) {
  const auto epoch = static_cast<std::uint32_t>(next_.load(std::memory_order_relaxed) >> 32);
  next_.store(pack(epoch + 1, kClosed));  // from here no thread can take a piece of the old job
  count_.store(count, std::memory_order_relaxed);
  piece_.store(piece, std::memory_order_relaxed);
  call_.store(call, std::memory_order_relaxed);
  context_.store(context, std::memory_order_relaxed);
  done_.store(0, std::memory_order_relaxed);
  next_.store(pack(epoch + 2, 0));
  if (sleeping_.load() > 0) {
    { const std::lock_guard<std::mutex> lock(mutex_); }
    wake_.notify_all();
  }
  work(epoch + 2, 0);
  for (int spins = 0; done_.load(std::memory_order_acquire) < count; spins++) {
    if (spins < kSpinsBeforeYield) pause();
    else std::this_thread::yield();
  }
}

int ThreadPool::nextSize(int left, int piece) const {
  const int share = left / (2 * threads()) / piece * piece;
  return share > piece ? share : left < piece ? left : piece;
}

void ThreadPool::work(std::uint32_t epoch, int thread) {
  std::uint64_t seen = next_.load(std::memory_order_acquire);
  while (static_cast<std::uint32_t>(seen >> 32) == epoch) {
    // These belong to the epoch if the swap below succeeds: they change only after it is closed.
    const int count = count_.load(std::memory_order_relaxed), piece = piece_.load(std::memory_order_relaxed);
    const Call call = call_.load(std::memory_order_relaxed);
    void* context = context_.load(std::memory_order_relaxed);
    const auto from = static_cast<std::uint32_t>(seen);
    if (from >= static_cast<std::uint32_t>(count)) return;
    const int to = static_cast<int>(from) + nextSize(count - static_cast<int>(from), piece);
    if (!next_.compare_exchange_weak(seen, pack(epoch, static_cast<std::uint32_t>(to)), std::memory_order_acq_rel)) {
      continue;
    }
    call(context, static_cast<int>(from), to, thread);
    done_.fetch_add(to - static_cast<int>(from), std::memory_order_release);
    seen = next_.load(std::memory_order_acquire);
  }
}

void ThreadPool::workerLoop(int thread) {
  std::uint32_t last = 0;
  int spins = 0;
  while (!stop_.load(std::memory_order_relaxed)) {
    const std::uint64_t seen = next_.load(std::memory_order_acquire);
    const auto epoch = static_cast<std::uint32_t>(seen >> 32);
    if (epoch != last && static_cast<std::uint32_t>(seen) != kClosed) {
      work(epoch, thread);
      last = epoch;
      spins = 0;
    } else if (spins < kSpins) {
      spins++;
      pause();
    } else {
      std::unique_lock<std::mutex> lock(mutex_);
      sleeping_.fetch_add(1);
      wake_.wait(lock, [&] {
        const std::uint64_t now = next_.load();
        return stop_.load() || (static_cast<std::uint32_t>(now >> 32) != last && static_cast<std::uint32_t>(now) != kClosed);
      });
      sleeping_.fetch_sub(1);
      spins = 0;
    }
  }
}

}  // namespace shard
