#include "gguf/gguf.h"

#include <algorithm>

#include "gguf/cursor.h"
#include "gguf/q2_groups.h"
#include "support/error.h"

namespace shard {
namespace {

// Limits: far above any real file, far below what would hurt.
constexpr std::uint64_t kMaxEntries = 65536;        // metadata keys, tensors
constexpr std::uint64_t kMaxKey = 65535;            // bytes; the format's own limit
constexpr std::uint64_t kMaxText = 16 << 20;        // bytes of one string (chat templates are some kB)
constexpr std::uint64_t kMaxName = 64;              // bytes of a tensor's name; the format's own limit
constexpr std::uint64_t kMaxDimension = 1ull << 32;  // so that a product of two fits 64 bits

enum Type : std::uint32_t { U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 };

/** Bytes of a fixed-size value; 0 for strings and arrays. */
std::uint64_t fixedSize(std::uint32_t type) {
  switch (type) {
    case U8: case I8: case BOOL: return 1;
    case U16: case I16: return 2;
    case U32: case I32: case F32: return 4;
    case U64: case I64: case F64: return 8;
    default: return 0;
  }
}

GgufArray readArray(Cursor& in, const std::string& key) {
  GgufArray array;
  array.type = in.value<std::uint32_t>("metadata");
  array.count = in.value<std::uint64_t>("metadata");
  array.offset = in.offset();
  const std::uint64_t size = fixedSize(array.type);
  if (size == 0 && array.type != STRING) {
    fail(Code::GgufInvalid, "metadata " + quoted(key) + " is an array of type " + std::to_string(array.type) +
                                "; only numbers, booleans and strings are allowed in arrays");
  }
  // A string takes at least its 8-byte length: a count beyond the file is refused before any loop.
  const std::uint64_t least = size != 0 ? size : 8;
  if (array.count > in.left() / least) {
    fail(Code::GgufTruncated, "metadata " + quoted(key) + " promises " + std::to_string(array.count) +
                                  " elements, more than the file holds: fetch it again");
  }
  if (size != 0) {
    in.skip(array.count * size, "metadata");
  } else {
    for (std::uint64_t i = 0; i < array.count; i++) in.skip(in.value<std::uint64_t>("metadata"), "metadata");
  }
  array.end = in.offset();
  return array;
}

GgufValue readValue(Cursor& in, std::uint32_t type, const std::string& key) {
  constexpr const char* what = "metadata";
  switch (type) {
    case U8: return std::uint64_t{in.value<std::uint8_t>(what)};
    case U16: return std::uint64_t{in.value<std::uint16_t>(what)};
    case U32: return std::uint64_t{in.value<std::uint32_t>(what)};
    case U64: return in.value<std::uint64_t>(what);
    case I8: return std::int64_t{in.value<std::int8_t>(what)};
    case I16: return std::int64_t{in.value<std::int16_t>(what)};
    case I32: return std::int64_t{in.value<std::int32_t>(what)};
    case I64: return in.value<std::int64_t>(what);
    case F32: return double{in.value<float>(what)};
    case F64: return in.value<double>(what);
    case BOOL: return in.value<std::uint8_t>(what) != 0;
    case STRING: return in.text(kMaxText, "metadata string");
    case ARRAY: return readArray(in, key);
    default:
      fail(Code::GgufInvalid, "metadata " + quoted(key) + " has the unknown type " + std::to_string(type));
  }
}

GgufTensor readTensor(Cursor& in) {
  GgufTensor tensor;
  tensor.name = in.text(kMaxName, "tensor name");
  const std::string name = "tensor " + quoted(tensor.name);
  if (tensor.name.empty()) fail(Code::GgufInvalid, "a tensor has an empty name");
  const auto dimensions = in.value<std::uint32_t>("tensor directory");
  if (dimensions < 1 || dimensions > 4) {
    fail(Code::GgufInvalid, name + " has " + std::to_string(dimensions) + " dimensions; 1 to 4 are allowed");
  }
  for (std::uint32_t i = 0; i < dimensions; i++) {
    const auto extent = in.value<std::uint64_t>("tensor directory");
    if (extent == 0 || extent > kMaxDimension) {
      fail(Code::GgufInvalid, name + " has the impossible extent " + std::to_string(extent));
    }
    if (i == 0) {
      tensor.cols = extent;
    } else if (extent > kMaxDimension / tensor.rows) {
      fail(Code::GgufInvalid, name + " has a shape whose size overflows");
    } else {
      tensor.rows *= extent;
    }
  }
  const auto type = in.value<std::uint32_t>("tensor directory");
  tensor.type = static_cast<TensorType>(type);
  const BlockShape* shape = blockShape(tensor.type);
  if (shape == nullptr || tensor.type == TensorType::Q2_0_Of128) {
    fail(Code::GgufUnsupported, name + " has type " + std::to_string(type) +
                                    "; this engine reads F32, F16, Q4_0, Q8_0, Q6_K, BF16, TQ1_0, TQ2_0, I2_S and Q2_0");
  }
  if (tensor.cols % shape->weights != 0) {
    fail(Code::GgufInvalid, name + " has rows of " + std::to_string(tensor.cols) + " weights; " + shape->name +
                                " needs a multiple of " + std::to_string(shape->weights));
  }
  // cols, rows ≤ 2^32: a row's bytes are below 2^34, and only their product can overflow.
  const std::uint64_t rowBytes = tensor.cols / shape->weights * shape->bytes;
  if (tensor.rows > (std::uint64_t{1} << 62) / rowBytes) {
    fail(Code::GgufInvalid, name + " has a shape whose size overflows");
  }
  tensor.bytes = rowBytes * tensor.rows + shape->tail;
  tensor.offset = in.value<std::uint64_t>("tensor directory");
  return tensor;
}

/** Places every tensor in the file: aligned, inside it, none over another. */
void placeTensors(std::vector<GgufTensor>& tensors, std::uint64_t headerEnd, std::uint64_t alignment,
                  std::uint64_t fileSize) {
  const std::uint64_t base = (headerEnd + alignment - 1) / alignment * alignment;
  settleQ2Groups(tensors, fileSize > base ? fileSize - base : 0, alignment);
  for (GgufTensor& tensor : tensors) {
    const std::string name = "tensor " + quoted(tensor.name);
    if (tensor.offset % alignment != 0) {
      fail(Code::GgufInvalid, name + " lies at " + std::to_string(tensor.offset) + ", not aligned to " +
                                  std::to_string(alignment) + " bytes");
    }
    const std::uint64_t room = fileSize > base ? fileSize - base : 0;
    if (tensor.offset > room || tensor.bytes > room - tensor.offset) {
      fail(Code::GgufTruncated, "the file ends inside " + name + " (" + std::to_string(tensor.bytes) +
                                    " bytes at offset " + std::to_string(tensor.offset) + " of " +
                                    std::to_string(room) + " bytes of data): fetch it again");
    }
    tensor.offset += base;
  }
  std::vector<const GgufTensor*> order;
  for (const GgufTensor& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](auto* a, auto* b) { return a->offset < b->offset; });
  for (std::size_t i = 1; i < order.size(); i++) {
    if (order[i]->offset < order[i - 1]->offset + order[i - 1]->bytes) {
      fail(Code::GgufInvalid, "tensors " + quoted(order[i - 1]->name) + " and " + quoted(order[i]->name) + " overlap");
    }
  }
}

}  // namespace

Gguf::Gguf(ByteSource& source) : source_(source) {
  Cursor in(source, 0);
  char magic[4];
  in.bytes(magic, 4, "magic");
  if (std::memcmp(magic, "GGUF", 4) != 0) fail(Code::GgufInvalid, "not a GGUF file: it does not begin with GGUF");
  const auto version = in.value<std::uint32_t>("header");
  if (version == 0x02000000 || version == 0x03000000) {
    fail(Code::GgufUnsupported, "a big-endian GGUF file; convert it to little endian");
  }
  if (version == 1) fail(Code::GgufUnsupported, "GGUF version 1; convert it to version 3");
  if (version != 2 && version != 3) {
    fail(Code::GgufInvalid, "GGUF version " + std::to_string(version) + "; versions 2 and 3 are known");
  }
  const auto tensorCount = in.value<std::uint64_t>("header");
  const auto valueCount = in.value<std::uint64_t>("header");
  if (tensorCount > kMaxEntries || valueCount > kMaxEntries) {
    fail(Code::GgufInvalid, "the header promises " + std::to_string(tensorCount) + " tensors and " +
                                std::to_string(valueCount) + " metadata values; at most " +
                                std::to_string(kMaxEntries) + " of each are allowed");
  }
  for (std::uint64_t i = 0; i < valueCount; i++) {
    std::string key = in.text(kMaxKey, "metadata key");
    const auto type = in.value<std::uint32_t>("metadata");
    GgufValue read = readValue(in, type, key);
    if (!values_.emplace(key, std::move(read)).second) {
      fail(Code::GgufInvalid, "metadata " + quoted(key) + " is there twice");
    }
  }
  for (std::uint64_t i = 0; i < tensorCount; i++) {
    GgufTensor tensor = readTensor(in);
    if (!byName_.emplace(tensor.name, tensors_.size()).second) {
      fail(Code::GgufInvalid, "tensor " + quoted(tensor.name) + " is there twice");
    }
    tensors_.push_back(std::move(tensor));
  }
  const std::uint64_t alignment = integer("general.alignment", 32);
  if (alignment < 1 || alignment > 65536 || (alignment & (alignment - 1)) != 0) {
    fail(Code::GgufInvalid, "general.alignment is " + std::to_string(alignment) +
                                "; a power of two up to 65536 is expected");
  }
  placeTensors(tensors_, in.offset(), alignment, source.size());
}

const GgufTensor* Gguf::tensor(const std::string& name) const {
  const auto found = byName_.find(name);
  return found == byName_.end() ? nullptr : &tensors_[found->second];
}

const GgufValue& Gguf::value(const std::string& key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) fail(Code::GgufInvalid, "metadata " + quoted(key) + " is missing");
  return found->second;
}

std::string Gguf::text(const std::string& key) const {
  const auto* out = std::get_if<std::string>(&value(key));
  if (out == nullptr) fail(Code::GgufInvalid, "metadata " + quoted(key) + " is not a string");
  return *out;
}

std::string Gguf::text(const std::string& key, const std::string& fallback) const {
  return has(key) ? text(key) : fallback;
}

std::uint64_t Gguf::integer(const std::string& key) const {
  const GgufValue& found = value(key);
  if (const auto* out = std::get_if<std::uint64_t>(&found)) return *out;
  if (const auto* out = std::get_if<std::int64_t>(&found); out != nullptr && *out >= 0) {
    return static_cast<std::uint64_t>(*out);
  }
  fail(Code::GgufInvalid, "metadata " + quoted(key) + " is not a whole number ≥ 0");
}

std::uint64_t Gguf::integer(const std::string& key, std::uint64_t fallback) const {
  return has(key) ? integer(key) : fallback;
}

double Gguf::number(const std::string& key, double fallback) const {
  if (!has(key)) return fallback;
  const GgufValue& found = value(key);
  if (const auto* out = std::get_if<double>(&found)) return *out;
  return static_cast<double>(integer(key));
}

const GgufArray* Gguf::array(const std::string& key) const {
  if (!has(key)) return nullptr;
  const auto* out = std::get_if<GgufArray>(&value(key));
  if (out == nullptr) fail(Code::GgufInvalid, "metadata " + quoted(key) + " is not an array");
  return out;
}

std::vector<std::string> Gguf::strings(const GgufArray& array) const {
  if (array.type != STRING) fail(Code::GgufInvalid, "an array of strings was expected in the metadata");
  Cursor in(source_, array.offset);
  std::vector<std::string> out;
  out.reserve(static_cast<std::size_t>(array.count));
  for (std::uint64_t i = 0; i < array.count; i++) out.push_back(in.text(kMaxText, "metadata string"));
  return out;
}

std::vector<std::int64_t> Gguf::integers(const GgufArray& array) const {
  Cursor in(source_, array.offset);
  std::vector<std::int64_t> out;
  out.reserve(static_cast<std::size_t>(array.count));
  for (std::uint64_t i = 0; i < array.count; i++) {
    switch (array.type) {
      case U8: out.push_back(in.value<std::uint8_t>("metadata")); break;
      case I8: out.push_back(in.value<std::int8_t>("metadata")); break;
      case U16: out.push_back(in.value<std::uint16_t>("metadata")); break;
      case I16: out.push_back(in.value<std::int16_t>("metadata")); break;
      case U32: out.push_back(in.value<std::uint32_t>("metadata")); break;
      case I32: out.push_back(in.value<std::int32_t>("metadata")); break;
      case I64: out.push_back(in.value<std::int64_t>("metadata")); break;
      default: fail(Code::GgufInvalid, "an array of whole numbers was expected in the metadata");
    }
  }
  return out;
}

}  // namespace shard
