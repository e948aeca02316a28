// Sequential reads of little-endian values, in blocks, never past the end.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "gguf/byte_source.h"
#include "support/error.h"

namespace shard {

class Cursor {
 public:
  Cursor(ByteSource& source, std::uint64_t offset) : source_(source), at_(offset) {}

  std::uint64_t offset() const { return at_; }
  std::uint64_t left() const { return source_.size() - at_; }

  /** @throws GGUF_TRUNCATED naming `what` when fewer than `count` bytes are left. */
  void need(std::uint64_t count, const char* what) const {
    if (count > left()) {
      fail(Code::GgufTruncated, std::string("the file ends inside its ") + what + " (offset " + std::to_string(at_) +
                                    ", " + std::to_string(count) + " bytes expected, " + std::to_string(left()) +
                                    " left): fetch it again");
    }
  }

  void bytes(void* into, std::size_t count, const char* what) {
    need(count, what);
    auto* out = static_cast<std::uint8_t*>(into);
    while (count > 0) {
      if (at_ < start_ || at_ >= start_ + buffer_.size()) fill();
      const std::size_t from = static_cast<std::size_t>(at_ - start_);
      const std::size_t part = std::min(count, buffer_.size() - from);
      std::memcpy(out, buffer_.data() + from, part);
      out += part;
      at_ += part;
      count -= part;
    }
  }

  template <typename T>
  T value(const char* what) {
    T out;
    bytes(&out, sizeof(T), what);
    return out;
  }

  std::string text(std::uint64_t limit, const char* what) {
    const auto length = value<std::uint64_t>(what);
    need(length, what);
    if (length > limit) {
      fail(Code::GgufInvalid, std::string("a ") + what + " of " + std::to_string(length) + " bytes at offset " +
                                  std::to_string(at_ - 8) + "; at most " + std::to_string(limit) + " are allowed");
    }
    std::string out(static_cast<std::size_t>(length), '\0');
    bytes(out.data(), out.size(), what);
    return out;
  }

  void skip(std::uint64_t count, const char* what) {
    need(count, what);
    at_ += count;
  }

 private:
  static constexpr std::size_t kBlock = 64 * 1024;

  void fill() {
    start_ = at_;
    buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, left())));
    source_.read(start_, buffer_.data(), buffer_.size());
  }

  ByteSource& source_;
  std::uint64_t at_;
  std::uint64_t start_ = 0;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace shard
