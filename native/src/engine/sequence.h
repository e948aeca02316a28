// One sequence: its tokens and its KV cache, in blocks that several sequences may share.
#pragma once

#include <cstdint>
#include <cstring>
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

class Sequence {
 public:
  /** @param layout outlives the sequence */
  explicit Sequence(const KvLayout& layout) : layout_(layout) {}

  const std::vector<int>& tokens() const { return tokens_; }
  int length() const { return static_cast<int>(tokens_.size()); }

  /** Makes positions [length, length + count) writable: allocates, and copies a block that is shared. @throws std::bad_alloc */
  void reserve(int count) {
    const std::size_t needed = (tokens_.size() + static_cast<std::size_t>(count) + kBlockPositions - 1) / kBlockPositions;
    tokens_.reserve(tokens_.size() + static_cast<std::size_t>(count));
    for (std::size_t b = tokens_.size() / kBlockPositions; b < needed; b++) {
      if (b >= blocks_.size()) {
        blocks_.push_back(std::make_shared<KvBlock>(layout_.blockBytes()));
      } else if (blocks_[b].use_count() > 1) {
        auto own = std::make_shared<KvBlock>(layout_.blockBytes());
        std::memcpy(own->data.data(), blocks_[b]->data.data(), layout_.blockBytes());
        blocks_[b] = std::move(own);
      }
    }
  }

  /** After reserve(): never throws. */
  void append(const int* tokens, std::size_t count) { tokens_.insert(tokens_.end(), tokens, tokens + count); }

  void truncate(int length) {
    tokens_.resize(static_cast<std::size_t>(length));
    blocks_.resize((tokens_.size() + kBlockPositions - 1) / kBlockPositions);
  }

  /** Holds the first `length` tokens of `from` afterwards; blocks are shared until one side writes. */
  void copyPrefix(const Sequence& from, int length) {
    const auto count = static_cast<std::size_t>(length);
    std::vector<int> tokens(from.tokens_.begin(), from.tokens_.begin() + length);
    std::vector<std::shared_ptr<KvBlock>> blocks(
        from.blocks_.begin(), from.blocks_.begin() + static_cast<std::ptrdiff_t>((count + kBlockPositions - 1) / kBlockPositions));
    tokens_ = std::move(tokens);
    blocks_ = std::move(blocks);
  }

  std::size_t blockCount() const { return blocks_.size(); }
  std::uint8_t* keys(std::size_t block, int layer, int head) { return blocks_[block]->data.data() + layout_.keys(layer, head); }
  std::uint8_t* values(std::size_t block, int layer, int head) { return blocks_[block]->data.data() + layout_.values(layer, head); }
  /** Of the keys [64], then of the values [64]; f16 caches have none. */
  std::uint16_t* scales(std::size_t block, int layer, int head) {
    return reinterpret_cast<std::uint16_t*>(blocks_[block]->data.data() + layout_.scales(layer, head));
  }

 private:
  const KvLayout& layout_;
  std::vector<int> tokens_;
  std::vector<std::shared_ptr<KvBlock>> blocks_;
};

}  // namespace shard
