// One sequence: its tokens and its KV cache, in blocks that several sequences may share.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "engine/kv_blocks.h"
#include "engine/kv_layout.h"

namespace shard {

class Sequence {
 public:
  /** @param layout, @param store outlive the sequence */
  Sequence(const KvLayout& layout, KvBlocks& store) : layout_(layout), store_(store) {}

  const std::vector<int>& tokens() const { return tokens_; }
  int length() const { return static_cast<int>(tokens_.size()); }

  /** Makes positions [length, length + count) writable: takes blocks, and copies one that is shared. @throws std::bad_alloc */
  void reserve(int count) {
    const std::size_t needed = (tokens_.size() + static_cast<std::size_t>(count) + kBlockPositions - 1) / kBlockPositions;
    tokens_.reserve(tokens_.size() + static_cast<std::size_t>(count));
    for (std::size_t b = tokens_.size() / kBlockPositions; b < needed; b++) {
      if (b >= blocks_.size()) {
        blocks_.push_back(store_.take());
      } else if (blocks_[b].use_count() > 1) {
        auto own = store_.take();
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
  KvBlocks& store_;
  std::vector<int> tokens_;
  std::vector<std::shared_ptr<KvBlock>> blocks_;
};

}  // namespace shard
