#include "model/tokenizer_hash.h"

#include <array>
#include <optional>

#include "support/error.h"
#include "support/sha256.h"

namespace shard {
namespace {

/** GPT-2's table: printable Latin-1 letters stand for themselves, the other bytes for U+0100 on. */
std::array<int, 512> byteOfLetter() {
  std::array<int, 512> out;
  out.fill(-1);
  int next = 256;
  for (int b = 0; b < 256; b++) {
    const bool itself = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    out[static_cast<std::size_t>(itself ? b : next++)] = b;
  }
  return out;
}

/** The bytes a GPT-2 token stands for; nothing when it has a letter outside the table or is not UTF-8. */
std::optional<std::string> tokenBytes(const std::string& token, const std::array<int, 512>& table) {
  std::string out;
  for (std::size_t i = 0; i < token.size();) {
    const auto lead = static_cast<unsigned char>(token[i]);
    std::size_t letter = lead;
    std::size_t length = 1;
    if (lead >= 0x80) {
      if (lead < 0xc2 || lead > 0xdf || i + 1 >= token.size()) return std::nullopt;
      const auto second = static_cast<unsigned char>(token[i + 1]);
      if ((second & 0xc0) != 0x80) return std::nullopt;
      letter = static_cast<std::size_t>((lead & 0x1f) << 6 | (second & 0x3f));
      length = 2;
    }
    if (letter >= table.size() || table[letter] < 0) return std::nullopt;
    out += static_cast<char>(table[letter]);
    i += length;
  }
  return out;
}

}  // namespace

std::string tokenizerHash(const Gguf& file, int vocab) {
  Sha256 hash;
  const GgufArray* tokens = file.array("tokenizer.ggml.tokens");
  const GgufArray* types = file.array("tokenizer.ggml.token_type");
  const std::uint64_t count = tokens != nullptr ? tokens->count : 0;
  if (count > static_cast<std::uint64_t>(vocab) || (types != nullptr && types->count != count)) {
    fail(Code::GgufInvalid, "the tokenizer has " + std::to_string(count) + " tokens and " +
                                std::to_string(types != nullptr ? types->count : 0) + " types for a vocabulary of " +
                                std::to_string(vocab));
  }
  if (tokens == nullptr) return hash.hex();
  const bool letters = file.text("tokenizer.ggml.model", "gpt2") == "gpt2";
  const std::vector<std::string> texts = file.strings(*tokens);
  const std::vector<std::int64_t> kinds = types != nullptr ? file.integers(*types) : std::vector<std::int64_t>();
  const std::array<int, 512> table = byteOfLetter();
  for (std::size_t id = 0; id < texts.size(); id++) {
    if (!kinds.empty() && kinds[id] != 1 && kinds[id] != 6) continue;
    const std::optional<std::string> mapped = letters ? tokenBytes(texts[id], table) : std::nullopt;
    const std::string& bytes = mapped ? *mapped : texts[id];
    hash.updateU32(static_cast<std::uint32_t>(id));
    hash.updateU32(static_cast<std::uint32_t>(bytes.size()));
    hash.update(bytes.data(), bytes.size());
  }
  return hash.hex();
}

}  // namespace shard
