// The addon's exports. Only this folder knows Node.
#include <napi.h>

#include <cstring>
#include <memory>

#include "addon/arguments.h"
#include "addon/boundary.h"
#include "addon/engine_handle.h"
#include "model/int8_matrix.h"
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
    return fromEmitted(info.Env(), walk(*findKernels(nullptr), rows.data(), static_cast<std::size_t>(vocab), vocab, tokens.data(),
                                        static_cast<int>(tokens.size()), drafts, request, scratch));
  });
}

/** Exact sums [count × rows] of a product of `values` int8 [count × cols] by a matrix that `multiply` knows. */
template <typename Multiply>
Napi::Value exactProduct(const Napi::CallbackInfo& info, int rows, std::size_t weights, Multiply multiply) {
  const auto values = info[3].As<Napi::Int8Array>();
  const int count = toInt(info[4], "count");
  if (rows < 1 || count < 1 || weights % static_cast<std::size_t>(rows) != 0) fail(Code::BatchInvalid, "rows");
  const std::size_t cols = weights / static_cast<std::size_t>(rows);
  if (cols % kSumColumns != 0 || cols == 0 || cols > (1u << 18) || values.ElementLength() != cols * static_cast<std::size_t>(count)) {
    fail(Code::BatchInvalid, "columns: expected a multiple of 64, and as many values");
  }
  const auto sumStride = static_cast<std::size_t>(sumsOf(static_cast<int>(cols)));
  AlignedBuffer<std::int32_t> sums(sumStride * static_cast<std::size_t>(count));
  AlignedBuffer<float> factors(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); i++) {
    factors[i] = 1.0f;
    std::int32_t sum = 0;
    for (std::size_t c = 0; c < cols; c++) {
      sum += values.Data()[i * cols + c];
      if ((c + 1) % kSumColumns == 0) sums[i * sumStride + (c + 1) / kSumColumns] = sum;
    }
  }
  // Some kernels read whole blocks of columns.
  AlignedBuffer<std::int8_t> padded(values.ElementLength() + 64);
  std::memcpy(padded.data(), values.Data(), values.ElementLength());
  const Int8Rows x{padded.data(), sums.data(), factors.data(), cols, sumStride, 1, 0, count};
  const std::size_t stride = roundUp(static_cast<std::size_t>(rows), kLanes);
  AlignedBuffer<float> out(stride * static_cast<std::size_t>(count));
  multiply(x, static_cast<int>(cols), out.data(), stride);
  Napi::Int32Array result = Napi::Int32Array::New(info.Env(), static_cast<std::size_t>(count) * static_cast<std::size_t>(rows));
  for (int i = 0; i < count; i++)
    for (int r = 0; r < rows; r++) {
      result.Data()[i * rows + r] = static_cast<std::int32_t>(out[static_cast<std::size_t>(i) * stride + static_cast<std::size_t>(r)]);
    }
  return result;
}

const KernelSet& kernelsNamed(const Napi::Value& name) {
  const KernelSet* set = findKernels(name.ToString().Utf8Value().c_str());
  if (set == nullptr) fail(Code::NativeUnavailable, "this kernel does not run here");
  return *set;
}

/** ternaryProduct(kernel, codes [rows × cols], rows, values, count, base three?): see exactProduct. */
Napi::Value ternaryProduct(const Napi::CallbackInfo& info) {
  return answer(info.Env(), [&]() -> Napi::Value {
    const KernelSet& set = kernelsNamed(info[0]);
    const auto codes = info[1].As<Napi::Uint8Array>();
    const int rows = toInt(info[2], "rows");
    const TernaryPacking packing = info[5].ToBoolean() ? TernaryPacking::BaseThree : TernaryPacking::TwoBits;
    return exactProduct(info, rows, codes.ElementLength(), [&](const Int8Rows& x, int cols, float* out, std::size_t stride) {
      const TernaryMatrix matrix(std::vector<std::uint8_t>(codes.Data(), codes.Data() + codes.ElementLength()), rows, cols, 1.0f, packing);
      set.ternary(matrix.view(), x, 0, matrix.view().groups(), out, stride, false);
    });
  });
}

/** int8Product(kernel, weights int8 [rows × cols], rows, values, count): see exactProduct. */
Napi::Value int8Product(const Napi::CallbackInfo& info) {
  return answer(info.Env(), [&]() -> Napi::Value {
    const KernelSet& set = kernelsNamed(info[0]);
    const auto weights = info[1].As<Napi::Int8Array>();
    const int rows = toInt(info[2], "rows");
    return exactProduct(info, rows, weights.ElementLength(), [&](const Int8Rows& x, int cols, float* out, std::size_t stride) {
      const Int8Matrix matrix(std::vector<std::int8_t>(weights.Data(), weights.Data() + weights.ElementLength()), rows, cols, 1.0f);
      set.int8(matrix.view(), x, 0, matrix.view().groups(), out, stride);
    });
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
  exports.Set("int8Product", Napi::Function::New(env, int8Product, "int8Product"));
  exports.Set("ternaryProduct", Napi::Function::New(env, ternaryProduct, "ternaryProduct"));
  exports.Set("readBandwidth", Napi::Function::New(env, bandwidth, "readBandwidth"));
  return exports;
}

}  // namespace
}  // namespace shard

Napi::Object initShardEngine(Napi::Env env, Napi::Object exports) { return shard::init(env, exports); }
NODE_API_MODULE(shard_engine, initShardEngine)
