// Where a model's bytes come from: a file, or memory (tests, fuzzing).
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace shard {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;
  /** Copies bytes [offset, offset + count) to `into`. @throws GGUF_TRUNCATED when they are not all there. */
  virtual void read(std::uint64_t offset, void* into, std::size_t count) = 0;
};

/** Read, not mapped: a file that shrinks under us gives an error and not a SIGBUS. */
class FileSource final : public ByteSource {
 public:
  /** @param path UTF-8. @throws MODEL_NOT_FOUND */
  explicit FileSource(const std::string& path);
  std::uint64_t size() const override { return size_; }
  void read(std::uint64_t offset, void* into, std::size_t count) override;

 private:
  std::ifstream file_;
  std::uint64_t size_ = 0;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::vector<std::uint8_t> bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  void read(std::uint64_t offset, void* into, std::size_t count) override;

 private:
  std::vector<std::uint8_t> bytes_;
};

}  // namespace shard
