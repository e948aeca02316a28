// One sequence: its tokens and its KV cache, in blocks that several sequences may share.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/config.h"
#include "support/aligned_buffer.h"

namespace shard {

/** Positions per KV block: small enough to waste little, large enough that a block's rows stream well. */
constexpr int kBlockPositions = 64;

/**
 * f16 keys and values of 64 positions for all layers. Per layer and KV head: keys [64 / 16][headDim][16] (16 positions
 * to a vector), then values [64][headDim].
 */
struct KvBlock {
  explicit KvBlock(std::size_t halves) : data(halves) {}
  AlignedBuffer<std::uint16_t> data;
};

class Sequence {
 public:
  explicit Sequence(const ModelConfig& config)
      : headSize_(static_cast<std::size_t>(kBlockPositions) * static_cast<std::size_t>(config.headDim)),
        kvHeads_(static_cast<std::size_t>(config.kvHeads)),
        layers_(static_cast<std::size_t>(config.layers)) {}

  const std::vector<int>& tokens() const { return tokens_; }
  int length() const { return static_cast<int>(tokens_.size()); }

  /** Makes positions [length, length + count) writable: allocates, and copies a block that is shared. @throws std::bad_alloc */
  void reserve(int count) {
    const std::size_t needed = (tokens_.size() + static_cast<std::size_t>(count) + kBlockPositions - 1) / kBlockPositions;
    tokens_.reserve(tokens_.size() + static_cast<std::size_t>(count));
    for (std::size_t b = tokens_.size() / kBlockPositions; b < needed; b++) {
      if (b >= blocks_.size()) {
        blocks_.push_back(std::make_shared<KvBlock>(blockSize()));
      } else if (blocks_[b].use_count() > 1) {
        auto own = std::make_shared<KvBlock>(blockSize());
        std::memcpy(own->data.data(), blocks_[b]->data.data(), blockSize() * sizeof(std::uint16_t));
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
  std::uint16_t* keys(std::size_t block, int layer, int head) { return at(block, layer, head); }
  std::uint16_t* values(std::size_t block, int layer, int head) { return at(block, layer, head) + headSize_; }

 private:
  std::size_t blockSize() const { return layers_ * kvHeads_ * headSize_ * 2; }
  std::uint16_t* at(std::size_t block, int layer, int head) {
    return blocks_[block]->data.data() + (static_cast<std::size_t>(layer) * kvHeads_ + static_cast<std::size_t>(head)) * headSize_ * 2;
  }

  std::size_t headSize_;
  std::size_t kvHeads_;
  std::size_t layers_;
  std::vector<int> tokens_;
  std::vector<std::shared_ptr<KvBlock>> blocks_;
};

}  // namespace shard
