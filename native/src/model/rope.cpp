#include "model/rope.h"

#include <algorithm>
#include <cmath>

#include "support/error.h"

namespace shard {
namespace {

constexpr double kPi = 3.14159265358979323846;

/** Settings of YaRN that are not run, with the values that say nothing. */
constexpr struct {
  const char* name;
  double neutral;
} kNotRun[] = {{"attn_factor", 1}, {"yarn_log_multiplier", 0}, {"yarn_ext_factor", 1}, {"yarn_attn_factor", 1}};

double positive(const Gguf& file, const std::string& key, double fallback) {
  const double value = file.number(key, fallback);
  if (!(value > 0.0 && value <= 1e12)) fail(Code::GgufInvalid, "metadata " + quoted(key) + " should be a number above 0");
  return value;
}

}  // namespace

Rope readRope(const Gguf& file, const std::string& prefix, int context) {
  Rope out;
  out.base = file.number(prefix + "freq_base", 10000.0);
  const std::string scaling = prefix + "scaling.";
  // As llama.cpp: a factor without a type is linear.
  const std::string type = file.text(scaling + "type", file.has(scaling + "factor") ? "linear" : "none");
  if (type == "linear" || type == "yarn") {
    out.scale = file.number(scaling + "factor", 1.0);
  } else if (type != "none") {
    fail(Code::GgufUnsupported, "rotary scaling of type " + quoted(type) + "; none, linear and yarn are run (and llama3's, which is a tensor)");
  }
  if (type == "yarn") {
    for (const auto& [name, neutral] : kNotRun) {
      if (file.number(scaling + name, neutral) != neutral) {
        fail(Code::GgufUnsupported, "metadata " + quoted(scaling + name) + " is not run");
      }
    }
    Yarn yarn;
    const std::string original = scaling + "original_context_length";
    const std::uint64_t length = file.integer(original, static_cast<std::uint64_t>(context));
    if (length < 1 || length > (1u << 30)) fail(Code::GgufInvalid, "metadata " + quoted(original) + " is out of range");
    yarn.originalContext = static_cast<double>(length);
    yarn.fast = positive(file, scaling + "yarn_beta_fast", yarn.fast);
    yarn.slow = positive(file, scaling + "yarn_beta_slow", yarn.slow);
    out.yarn = yarn;
  }
  if (!(out.base >= 1.0 && out.base <= 1e12) || !(out.scale >= 1e-3 && out.scale <= 1e6)) {
    fail(Code::GgufInvalid, "rotary base or scale out of range");
  }
  // YaRN divides by the base's logarithm.
  if (out.yarn && out.base < 2.0) fail(Code::GgufInvalid, "a rotary base below 2 with YaRN");
  return out;
}

Rotation rotationOf(const Rope& rope, int width, const float* factors) {
  Rotation out;
  for (int i = 0; i < width / 2; i++) {
    const double own = std::pow(rope.base, -2.0 * i / width);
    out.frequencies.push_back(factors != nullptr ? own / static_cast<double>(factors[i]) : own);
  }
  if (!rope.yarn) {
    for (double& frequency : out.frequencies) frequency /= rope.scale;
    return out;
  }
  const auto pairAt = [&](double turns) {
    return width * std::log(rope.yarn->originalContext / (turns * 2 * kPi)) / (2 * std::log(rope.base));
  };
  const double low = std::max(0.0, std::floor(pairAt(rope.yarn->fast)));
  const double high = std::min(width - 1.0, std::ceil(pairAt(rope.yarn->slow)));
  for (std::size_t i = 0; i < out.frequencies.size(); i++) {
    double& frequency = out.frequencies[i];
    const double kept = 1 - std::min(1.0, std::max(0.0, (static_cast<double>(i) - low) / std::max(0.001, high - low)));
    frequency = frequency / rope.scale * (1 - kept) + frequency * kept;
  }
  out.magnitude = 1 + 0.1 * std::log(rope.scale);
  return out;
}

}  // namespace shard
