#include "support/read_bandwidth.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "support/aligned_buffer.h"
#include "support/prefetch.h"
#include "support/thread_pool.h"

namespace shard {
namespace {

constexpr int kPasses = 6;
/** Words added at once: enough chains that their adds are never waited for. */
constexpr std::size_t kChains = 16;
/** Bytes between what is added and what is fetched, in every other pass: some processors give a third more with it, others less. */
constexpr std::size_t kAhead = 6144;
/** 1 MiB, taken by whoever is free. */
constexpr std::size_t kPieceWords = std::size_t{1} << 17;

/** The words' sum, modulo 2^64: something that needs all of them. */
template <bool Fetching>
std::uint64_t sum(const std::uint64_t* words, std::size_t count) {
  std::uint64_t chains[kChains] = {};
  for (std::size_t i = 0; i < count; i += kChains) {
    if constexpr (Fetching)
      for (std::size_t line = 0; line < kChains; line += 8) prefetch(words + i + line, kAhead);
    for (std::size_t c = 0; c < kChains; c++) chains[c] += words[i + c];
  }
  std::uint64_t total = 0;
  for (std::uint64_t chain : chains) total += chain;
  return total;
}

}  // namespace

double readBandwidth(int threads) {
  ThreadPool pool(threads);
  AlignedBuffer<std::uint64_t> words(kBandwidthBytes / sizeof(std::uint64_t));
  // Pages that nobody wrote to may all be the same one.
  std::fill(words.data(), words.data() + words.size(), std::uint64_t{1});
  std::atomic<std::uint64_t> total{0};
  double best = 0;
  for (int pass = 0; pass < kPasses; pass++) {
    const auto start = std::chrono::steady_clock::now();
    const auto add = pass % 2 == 0 ? sum<false> : sum<true>;
    pool.run(static_cast<int>(words.size() / kPieceWords), 1, [&](int from, int to, int) {
      for (int i = from; i < to; i++) total += add(words.data() + static_cast<std::size_t>(i) * kPieceWords, kPieceWords);
    });
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, static_cast<double>(kBandwidthBytes) / seconds.count());
  }
  // Nobody wants the sum; whoever stores it keeps the compiler from leaving it out.
  [[maybe_unused]] const volatile std::uint64_t stored = total.load();
  return best;
}

}  // namespace shard
