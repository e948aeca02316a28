#include "gguf/byte_source.h"

#include <cstring>
#include <filesystem>
#include <system_error>

#include "support/error.h"

namespace shard {
namespace {

[[noreturn]] void truncated(std::uint64_t offset, std::size_t count, std::uint64_t size) {
  fail(Code::GgufTruncated, "expected " + std::to_string(count) + " bytes at offset " + std::to_string(offset) +
                                ", but the file has " + std::to_string(size) + ": fetch it again");
}

}  // namespace

FileSource::FileSource(const std::string& path) {
  const std::filesystem::path file = std::filesystem::u8path(path);
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) {
    fail(Code::ModelNotFound, "no model file at " + path + ": check the path, or pull the model");
  }
  file_.open(file, std::ios::binary);
  size_ = std::filesystem::file_size(file, error);
  if (!file_ || error) fail(Code::ModelNotFound, "cannot read the model file " + path + ": check its permissions");
}

void FileSource::read(std::uint64_t offset, void* into, std::size_t count) {
  if (offset > size_ || count > size_ - offset) truncated(offset, count, size_);
  file_.clear();
  file_.seekg(static_cast<std::streamoff>(offset));
  file_.read(static_cast<char*>(into), static_cast<std::streamsize>(count));
  if (!file_ || static_cast<std::size_t>(file_.gcount()) != count) truncated(offset, count, size_);
}

void MemorySource::read(std::uint64_t offset, void* into, std::size_t count) {
  if (offset > size() || count > size() - offset) truncated(offset, count, size());
  if (count > 0) std::memcpy(into, bytes_.data() + offset, count);
}

}  // namespace shard
