// How one block of a KV cache lies in memory, and what a head's keys or values become in it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/config.h"

namespace shard {

/** Positions per KV block: small enough to waste little, large enough that a block's rows stream well. */
constexpr int kBlockPositions = 64;

/** f16; or int8 with one f16 scale for each position of a head, keys and values apart. */
enum class KvType { F16, Q8 };

/**
 * Bytes of 64 positions for all layers. Per layer and KV head: keys [64 / 16][headDim][16] (16 positions to a vector),
 * values [64][headDim]; with int8 then the keys' scales [64] and the values' [64].
 */
class KvLayout {
 public:
  KvLayout(const ModelConfig& config, KvType type)
      : type_(type),
        kvHeads_(static_cast<std::size_t>(config.kvHeads)),
        layers_(static_cast<std::size_t>(config.layers)),
        half_(static_cast<std::size_t>(kBlockPositions) * static_cast<std::size_t>(config.headDim) * (type == KvType::F16 ? 2 : 1)),
        head_(2 * half_ + (type == KvType::F16 ? 0 : 2 * kBlockPositions * sizeof(std::uint16_t))) {}

  KvType type() const { return type_; }
  std::size_t blockBytes() const { return layers_ * kvHeads_ * head_; }
  std::size_t keys(int layer, int head) const {
    return (static_cast<std::size_t>(layer) * kvHeads_ + static_cast<std::size_t>(head)) * head_;
  }
  std::size_t values(int layer, int head) const { return keys(layer, head) + half_; }
  std::size_t scales(int layer, int head) const { return keys(layer, head) + 2 * half_; }

 private:
  KvType type_;
  std::size_t kvHeads_, layers_;
  std::size_t half_;  // bytes of one head's keys, or values
  std::size_t head_;  // bytes of one head
};

/**
 * A head's keys or values as int8: codes = x / scale, rounded half to even, where scale = max |x| / 127 in f16.
 * Plain C++ in one translation unit: the same bits whatever kernels run. @returns the scale
 */
std::uint16_t quantiseHead(const float* x, int dim, std::int8_t* codes);

}  // namespace shard
