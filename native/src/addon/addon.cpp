// The addon's exports. Only this folder knows Node.
#include <napi.h>

#include <cstring>
#include <memory>

#include "addon/arguments.h"
#include "addon/boundary.h"
#include "addon/engine_handle.h"
#include "model/ternary_matrix.h"
#include "support/read_bandwidth.h"
#include "verify/sampler.h"

namespace shard {
namespace {

/** kernels(): names of the sets that run here, best first. */
Napi::Value kernels(const Napi::CallbackInfo& info) {
  Napi::Array out = Napi::Array::New(info.Env());
  std::uint32_t i = 0;
  for (const KernelSet* const* set = availableKernels(); *set != nullptr; set++) out.Set(i++, (*set)->name);
  return out;
}

/** threefry2x32(key0, key1, counter0, counter1): two words. */
Napi::Value threefry(const Napi::CallbackInfo& info) {
  return answer(info.Env(), [&]() -> Napi::Value {
    std::uint32_t words[4];
    for (std::size_t i = 0; i < 4; i++) words[i] = info[i].ToNumber().Uint32Value();
    const auto out = threefry2x32({words[0], words[1]}, words[2], words[3]);
    Napi::Uint32Array result = Napi::Uint32Array::New(info.Env(), 2);
    result.Data()[0] = out[0];
    result.Data()[1] = out[1];
    return result;
  });
}

/** verifyLogits(logits [rows × vocab], vocab, tokens, drafts, request): what a pass with these logits emits. */
Napi::Value verifyLogits(const Napi::CallbackInfo& info) {
  return answer(info.Env(), [&]() -> Napi::Value {
    if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_float32_array) {
      fail(Code::BatchInvalid, "logits: expected a Float32Array");
    }
    const auto logits = info[0].As<Napi::Float32Array>();
    const int vocab = toInt(info[1], "vocab");
    const std::vector<int> tokens = toTokens(info[2], "tokens"), drafts = toTokens(info[3], "drafts");
    const SampleRequest request = toSampleRequest(info[4]);
    if (vocab < 1 || logits.ElementLength() != (drafts.size() + 1) * static_cast<std::size_t>(vocab)) {
      fail(Code::BatchInvalid, "logits: expected a row for the last token and one for each draft");
    }
    for (const auto* list : {&tokens, &drafts})
      for (int token : *list)
        if (token < 0 || token >= vocab) fail(Code::BatchInvalid, "a token outside the vocabulary");
    if (tokens.empty() || request.promptLength < 0 || static_cast<std::size_t>(request.promptLength) > tokens.size() || request.maxTokens < 1) {
      fail(Code::BatchInvalid, "tokens, promptLength or maxTokens out of range");
    }
    SamplerScratch scratch;
    std::vector<float> rows(logits.Data(), logits.Data() + logits.ElementLength());
    for (std::size_t i = 0; i <= drafts.size(); i++) makeOrderly(rows.data() + i * static_cast<std::size_t>(vocab), vocab);
    return fromEmitted(info.Env(), walk(rows.data(), static_cast<std::size_t>(vocab), vocab, tokens.data(),
                                        static_cast<int>(tokens.size()), drafts, request, scratch));
  });
}

/** ternaryProduct(kernel, codes [rows × cols], rows, values int8 [count × cols], count): exact sums [count × rows]. */
Napi::Value ternaryProduct(const Napi::CallbackInfo& info) {
  return answer(info.Env(), [&]() -> Napi::Value {
    const KernelSet* set = findKernels(info[0].ToString().Utf8Value().c_str());
    if (set == nullptr) fail(Code::NativeUnavailable, "this kernel does not run here");
    const auto codes = info[1].As<Napi::Uint8Array>();
    const auto values = info[3].As<Napi::Int8Array>();
    const int rows = toInt(info[2], "rows"), count = toInt(info[4], "count");
    if (rows < 1 || count < 1 || codes.ElementLength() % static_cast<std::size_t>(rows) != 0) fail(Code::BatchInvalid, "rows");
    const std::size_t cols = codes.ElementLength() / static_cast<std::size_t>(rows);
    if (cols % kSumColumns != 0 || cols == 0 || cols > (1u << 18) || values.ElementLength() != cols * static_cast<std::size_t>(count)) {
      fail(Code::BatchInvalid, "columns: expected a multiple of 64, and as many values");
    }
    const TernaryMatrix matrix(std::vector<std::uint8_t>(codes.Data(), codes.Data() + codes.ElementLength()), rows,
                               static_cast<int>(cols), 1.0f);
    AlignedBuffer<std::int32_t> sums(cols / kSumColumns * static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.ElementLength(); i++) sums[i / kSumColumns] += values.Data()[i];
    AlignedBuffer<float> factors(static_cast<std::size_t>(count));
    for (int i = 0; i < count; i++) factors[static_cast<std::size_t>(i)] = 1.0f;
    const Int8Rows x{values.Data(), sums.data(), factors.data(), cols, cols / kSumColumns, 1, 0, count};
    const std::size_t stride = roundUp(static_cast<std::size_t>(rows), kLanes);
    AlignedBuffer<float> out(stride * static_cast<std::size_t>(count));
    set->ternary(matrix.view(), x, 0, matrix.view().groups(), out.data(), stride, false);
    Napi::Int32Array result = Napi::Int32Array::New(info.Env(), static_cast<std::size_t>(count) * static_cast<std::size_t>(rows));
    for (int i = 0; i < count; i++)
      for (int r = 0; r < rows; r++) {
        result.Data()[i * rows + r] = static_cast<std::int32_t>(out[static_cast<std::size_t>(i) * stride + static_cast<std::size_t>(r)]);
      }
    return result;
  });
}

/** readBandwidth(threads): a promise of bytes per second. */
Napi::Value bandwidth(const Napi::CallbackInfo& info) {
  return answer(info.Env(), [&]() -> Napi::Value {
    const int threads = toInt(info[0], "threads");
    if (threads < 1 || threads > 256) fail(Code::BatchInvalid, "threads: 1 to 256 are expected");
    auto measured = std::make_shared<double>(0);
    return Task::start(
        info.Env(), [=] { *measured = readBandwidth(threads); },
        [=](Napi::Env env) -> Napi::Value { return Napi::Number::New(env, *measured); });
  });
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto* constructor = new Napi::FunctionReference(Napi::Persistent(EngineHandle::define(env)));
  env.SetInstanceData(constructor);
  exports.Set("load", Napi::Function::New(env, EngineHandle::load, "load"));
  exports.Set("kernels", Napi::Function::New(env, kernels, "kernels"));
  exports.Set("threefry2x32", Napi::Function::New(env, threefry, "threefry2x32"));
  exports.Set("verifyLogits", Napi::Function::New(env, verifyLogits, "verifyLogits"));
  exports.Set("ternaryProduct", Napi::Function::New(env, ternaryProduct, "ternaryProduct"));
  exports.Set("readBandwidth", Napi::Function::New(env, bandwidth, "readBandwidth"));
  return exports;
}

}  // namespace
}  // namespace shard

Napi::Object initShardEngine(Napi::Env env, Napi::Object exports) { return shard::init(env, exports); }
NODE_API_MODULE(shard_engine, initShardEngine)
