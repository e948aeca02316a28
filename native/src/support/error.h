// Errors with the stable codes of shared/engine/engine-error.ts.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace shard {

enum class Code {
  GgufTruncated,
  GgufInvalid,
  GgufUnsupported,
  ModelNotFound,
  OutOfMemory,
  SequenceUnknown,
  SequenceLimit,
  ContextFull,
  BatchInvalid,
  Aborted,
  Unloaded,
  NativeUnavailable,
};

inline const char* codeName(Code code) {
  switch (code) {
    case Code::GgufTruncated: return "GGUF_TRUNCATED";
    case Code::GgufInvalid: return "GGUF_INVALID";
    case Code::GgufUnsupported: return "GGUF_UNSUPPORTED";
    case Code::ModelNotFound: return "MODEL_NOT_FOUND";
    case Code::OutOfMemory: return "OUT_OF_MEMORY";
    case Code::SequenceUnknown: return "SEQUENCE_UNKNOWN";
    case Code::SequenceLimit: return "SEQUENCE_LIMIT";
    case Code::ContextFull: return "CONTEXT_FULL";
    case Code::BatchInvalid: return "BATCH_INVALID";
    case Code::Aborted: return "ABORTED";
    case Code::Unloaded: return "UNLOADED";
    case Code::NativeUnavailable: return "NATIVE_UNAVAILABLE";
  }
  return "NATIVE_UNAVAILABLE";
}

/** What every part of the engine throws; addon.cpp turns it into a JavaScript error with `code`. */
class EngineError : public std::exception {
 public:
  EngineError(Code code, std::string message) : code_(code), message_(std::move(message)) {}
  Code code() const noexcept { return code_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  Code code_;
  std::string message_;
};

[[noreturn]] inline void fail(Code code, std::string message) { throw EngineError(code, std::move(message)); }

/** A name from a file, fit for an error message: printable ASCII, at most 80 characters. */
inline std::string quoted(const std::string& text) {
  std::string out = "'";
  for (unsigned char c : text) {
    if (out.size() > 80) {
      out += "...";
      break;
    }
    out += c >= 0x20 && c < 0x7f && c != '\'' ? static_cast<char>(c) : '?';
  }
  return out + "'";
}

}  // namespace shard
