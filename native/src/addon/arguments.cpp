#include "addon/arguments.h"

#include <cmath>

#include "support/error.h"

namespace shard {
namespace {

[[noreturn]] void wrong(const char* what, const char* expected) {
  fail(Code::BatchInvalid, std::string(what) + ": expected " + expected);
}

Napi::Object object(const Napi::Value& value, const char* what) {
  if (!value.IsObject()) wrong(what, "an object");
  return value.As<Napi::Object>();
}

double toNumber(const Napi::Value& value, const char* what, double least, double most) {
  if (!value.IsNumber()) wrong(what, "a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= least && number <= most)) wrong(what, "a finite number within its range");
  return number;
}

std::uint32_t toWord(const Napi::Value& value, const char* what) {
  return static_cast<std::uint32_t>(toNumber(value, what, 0, 4294967295.0));
}

int optionalInt(const Napi::Object& from, const char* name, int fallback) {
  const Napi::Value value = from.Get(name);
  return value.IsUndefined() ? fallback : toInt(value, name);
}

SamplingSettings toSettings(const Napi::Value& value) {
  constexpr double kLargest = 1e6;  // of penalties and biases; any real one is below 100
  const Napi::Object from = object(value, "settings");
  SamplingSettings out;
  out.temperature = toNumber(from.Get("temperature"), "temperature", 0, kLargest);
  out.topK = static_cast<int>(toNumber(from.Get("topK"), "topK", 0, 2147483647.0));
  out.topP = toNumber(from.Get("topP"), "topP", 0, 1);
  out.minP = toNumber(from.Get("minP"), "minP", 0, 1);
  out.repetitionPenalty = toNumber(from.Get("repetitionPenalty"), "repetitionPenalty", 1e-6, kLargest);
  out.frequencyPenalty = toNumber(from.Get("frequencyPenalty"), "frequencyPenalty", -kLargest, kLargest);
  out.presencePenalty = toNumber(from.Get("presencePenalty"), "presencePenalty", -kLargest, kLargest);
  const Napi::Value bias = from.Get("logitBias");
  if (!bias.IsArray()) wrong("logitBias", "an array of pairs");
  const auto pairs = bias.As<Napi::Array>();
  for (std::uint32_t i = 0; i < pairs.Length(); i++) {
    const Napi::Object pair = object(pairs.Get(i), "logitBias");
    out.logitBias.emplace_back(toInt(pair.Get(0u), "logitBias id"), toNumber(pair.Get(1u), "logitBias", -kLargest, kLargest));
  }
  return out;
}

}  // namespace

int toInt(const Napi::Value& value, const char* what) {
  if (!value.IsNumber()) wrong(what, "a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= -2147483648.0 && number <= 2147483647.0) || std::floor(number) != number) wrong(what, "a whole number");
  return static_cast<int>(number);
}

std::vector<int> toTokens(const Napi::Value& value, const char* what) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) wrong(what, "an Int32Array");
  const auto array = value.As<Napi::Int32Array>();
  const std::int32_t* data = array.Data();
  return std::vector<int>(data, data + array.ElementLength());
}

EngineOptions toOptions(const Napi::Value& value) {
  EngineOptions out;
  if (value.IsUndefined()) return out;
  const Napi::Object from = object(value, "options");
  const Napi::Value kernel = from.Get("kernel");
  if (kernel.IsString()) out.kernel = kernel.As<Napi::String>().Utf8Value();
  out.threads = optionalInt(from, "threads", out.threads);
  out.maxSequences = optionalInt(from, "maxSequences", out.maxSequences);
  out.maxRows = optionalInt(from, "maxRows", out.maxRows);
  const Napi::Value scales = from.Get("activationScales");
  if (scales.IsString()) {
    const std::string name = scales.As<Napi::String>().Utf8Value();
    if (name != "token" && name != "group") wrong("options", "activationScales token or group");
    out.model.activationScales = name == "token" ? ActivationScales::Token : ActivationScales::Group;
  }
  const Napi::Value head = from.Get("head");
  if (head.IsString()) {
    const std::string name = head.As<Napi::String>().Utf8Value();
    if (name != "int8" && name != "file") wrong("options", "head int8 or file");
    out.model.head = name == "int8" ? HeadPrecision::Int8 : HeadPrecision::File;
  }
  const Napi::Value packing = from.Get("packing");
  if (packing.IsString()) {
    const std::string name = packing.As<Napi::String>().Utf8Value();
    if (name != "2-bit" && name != "1.6-bit") wrong("options", "packing 2-bit or 1.6-bit");
    out.model.packing = name == "2-bit" ? TernaryPacking::TwoBits : TernaryPacking::BaseThree;
  }
  const Napi::Value cache = from.Get("kvCache");
  if (cache.IsString()) {
    const std::string name = cache.As<Napi::String>().Utf8Value();
    if (name != "f16" && name != "q8") wrong("options", "kvCache f16 or q8");
    out.kvCache = name == "q8" ? KvType::Q8 : KvType::F16;
  }
  if (out.maxSequences < 1 || out.maxRows < 1 || out.maxRows > 65536) wrong("options", "maxSequences ≥ 1 and maxRows 1 to 65536");
  return out;
}

SampleRequest toSampleRequest(const Napi::Value& value) {
  const Napi::Object from = object(value, "sample");
  SampleRequest out;
  out.settings = toSettings(from.Get("settings"));
  const Napi::Object key = object(from.Get("key"), "key");
  out.key = {toWord(key.Get("lo"), "key.lo"), toWord(key.Get("hi"), "key.hi")};
  out.promptLength = toInt(from.Get("promptLength"), "promptLength");
  out.stopTokens = toTokens(from.Get("stopTokens"), "stopTokens");
  out.maxTokens = toInt(from.Get("maxTokens"), "maxTokens");
  out.topLogprobs = static_cast<int>(toNumber(from.Get("topLogprobs"), "topLogprobs", 0, 20));
  return out;
}

std::vector<ForwardItem> toForwardItems(const Napi::Value& value) {
  if (!value.IsArray()) wrong("items", "an array");
  const auto items = value.As<Napi::Array>();
  std::vector<ForwardItem> out;
  for (std::uint32_t i = 0; i < items.Length(); i++) {
    const Napi::Object from = object(items.Get(i), "item");
    ForwardItem item;
    item.sequence = toInt(from.Get("sequence"), "sequence");
    item.tokens = toTokens(from.Get("tokens"), "tokens");
    const std::string logits = from.Get("logits").ToString().Utf8Value();
    if (logits != "none" && logits != "last" && logits != "all") wrong("logits", "none, last or all");
    item.logits = logits == "none" ? LogitsWanted::None : logits == "last" ? LogitsWanted::Last : LogitsWanted::All;
    out.push_back(std::move(item));
  }
  return out;
}

std::vector<PassItem> toPassItems(const Napi::Value& value) {
  if (!value.IsArray()) wrong("items", "an array");
  const auto items = value.As<Napi::Array>();
  std::vector<PassItem> out;
  for (std::uint32_t i = 0; i < items.Length(); i++) {
    const Napi::Object from = object(items.Get(i), "item");
    PassItem item;
    item.sequence = toInt(from.Get("sequence"), "sequence");
    item.tokens = toTokens(from.Get("tokens"), "tokens");
    item.drafts = toTokens(from.Get("drafts"), "drafts");
    const Napi::Value sample = from.Get("sample");
    item.sampled = !sample.IsUndefined();
    if (item.sampled) item.sample = toSampleRequest(sample);
    out.push_back(std::move(item));
  }
  return out;
}

Napi::Array fromEmitted(Napi::Env env, const std::vector<EmittedToken>& tokens) {
  Napi::Array out = Napi::Array::New(env, tokens.size());
  for (std::uint32_t i = 0; i < tokens.size(); i++) {
    const EmittedToken& token = tokens[i];
    Napi::Object to = Napi::Object::New(env);
    to.Set("id", token.id);
    to.Set("logprob", token.logprob);
    to.Set("drafted", token.drafted);
    Napi::Array top = Napi::Array::New(env, token.top.size());
    for (std::uint32_t j = 0; j < token.top.size(); j++) {
      Napi::Object entry = Napi::Object::New(env);
      entry.Set("id", token.top[j].id);
      entry.Set("logprob", token.top[j].logprob);
      top.Set(j, entry);
    }
    to.Set("top", top);
    out.Set(i, to);
  }
  return out;
}

}  // namespace shard
