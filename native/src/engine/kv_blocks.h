// Where sequences get their KV blocks: some that were given back are kept for the next who asks.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/kv_layout.h"
#include "support/aligned_buffer.h"

namespace shard {

/** 64 positions of all layers, as KvLayout has it. */
struct KvBlock {
  explicit KvBlock(std::size_t bytes) : data(bytes) {}
  AlignedBuffer<std::uint8_t> data;
};

/** A fresh block of some megabytes takes the system milliseconds to clear, in the middle of a pass. Outlives its blocks. */
class KvBlocks {
 public:
  /** @param layout outlives this */
  explicit KvBlocks(const KvLayout& layout) : layout_(layout) { spare_.reserve(kMostSpare); }
  KvBlocks(const KvBlocks&) = delete;
  KvBlocks& operator=(const KvBlocks&) = delete;

  /** Holds whatever a block held before. @throws std::bad_alloc */
  std::shared_ptr<KvBlock> take() {
    std::unique_ptr<KvBlock> block;
    if (spare_.empty()) {
      block = std::make_unique<KvBlock>(layout_.blockBytes());
    } else {
      block = std::move(spare_.back());
      spare_.pop_back();
    }
    return std::shared_ptr<KvBlock>(block.release(), [this](KvBlock* back) { keep(std::unique_ptr<KvBlock>(back)); });
  }

 private:
  /** One is given back and asked for again wherever drafts are refused at a block's start; more would only hold memory. */
  static constexpr std::size_t kMostSpare = 2;

  void keep(std::unique_ptr<KvBlock> block) {
    if (spare_.size() < kMostSpare) spare_.push_back(std::move(block));
  }

  const KvLayout& layout_;
  std::vector<std::unique_ptr<KvBlock>> spare_;
};

}  // namespace shard
