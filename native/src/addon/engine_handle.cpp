#include "addon/engine_handle.h"

#include <cstring>

#include "addon/arguments.h"
#include "addon/boundary.h"

namespace shard {
namespace {

using StatePointer = std::shared_ptr<EngineHandle::State>;

Napi::Float32Array toFloat32Array(Napi::Env env, const std::vector<float>& values) {
  Napi::Float32Array out = Napi::Float32Array::New(env, values.size());
  if (!values.empty()) std::memcpy(out.Data(), values.data(), values.size() * sizeof(float));
  return out;
}

/** Marks the engine busy for the length of a call. */
class Busy {
 public:
  explicit Busy(EngineHandle::State& state) : state_(state) {}
  ~Busy() { state_.busy.store(false); }

 private:
  EngineHandle::State& state_;
};

/** Runs one of the engine's passes off JavaScript's thread: a promise of an array with one converted result an item. */
template <class Item, class Result, class Convert>
Napi::Value startPass(Napi::Env env, const StatePointer& state, std::vector<Item> given,
                      std::vector<Result> (Engine::*pass)(const std::vector<Item>&, const std::atomic<bool>&),
                      Convert convert) {
  auto items = std::make_shared<std::vector<Item>>(std::move(given));
  auto results = std::make_shared<std::vector<Result>>();
  state->cancelled.store(false);
  state->busy.store(true);
  return Task::start(
      env,
      [=] {
        const Busy busy(*state);
        *results = (state->engine.get()->*pass)(*items, state->cancelled);
      },
      [results, convert](Napi::Env done) -> Napi::Value {
        Napi::Array out = Napi::Array::New(done, results->size());
        for (std::uint32_t i = 0; i < results->size(); i++) out.Set(i, convert(done, (*results)[i]));
        return out;
      });
}

}  // namespace

Napi::Function EngineHandle::define(Napi::Env env) {
  return DefineClass(env, "NativeEngineHandle",
                     {InstanceMethod<&EngineHandle::info>("info"),
                      InstanceMethod<&EngineHandle::createSequence>("createSequence"),
                      InstanceMethod<&EngineHandle::releaseSequence>("releaseSequence"),
                      InstanceMethod<&EngineHandle::truncate>("truncate"),
                      InstanceMethod<&EngineHandle::copyPrefix>("copyPrefix"),
                      InstanceMethod<&EngineHandle::forward>("forward"),
                      InstanceMethod<&EngineHandle::verify>("verify"),
                      InstanceMethod<&EngineHandle::cancel>("cancel"),
                      InstanceMethod<&EngineHandle::unload>("unload")});
}

EngineHandle::EngineHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EngineHandle>(info) {
  if (info.Length() == 1 && info[0].IsExternal()) state_ = *info[0].As<Napi::External<StatePointer>>().Data();
}

Napi::Value EngineHandle::load(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return answer(env, [&]() -> Napi::Value {
    const EngineOptions options = toOptions(info[1]);
    std::string path;
    auto bytes = std::make_shared<std::vector<std::uint8_t>>();
    const bool inMemory = info[0].IsTypedArray();
    if (inMemory) {
      const auto array = info[0].As<Napi::Uint8Array>();
      bytes->assign(array.Data(), array.Data() + array.ByteLength());
    } else {
      path = info[0].ToString().Utf8Value();
    }
    auto state = std::make_shared<StatePointer>();
    return Task::start(
        env,
        [=] {
          std::unique_ptr<ByteSource> source;
          if (inMemory) source = std::make_unique<MemorySource>(std::move(*bytes));
          else source = std::make_unique<FileSource>(path);
          *state = std::make_shared<State>(std::make_unique<Engine>(std::move(source), options));
        },
        [state](Napi::Env done) -> Napi::Value {
          auto* constructor = done.GetInstanceData<Napi::FunctionReference>();
          return constructor->New({Napi::External<StatePointer>::New(done, state.get())});
        });
  });
}

Engine& EngineHandle::idle() const {
  if (!state_ || !state_->engine) fail(Code::Unloaded, "the engine was unloaded");
  if (state_->busy.load()) fail(Code::BatchInvalid, "the engine is in a pass; calls come one at a time");
  return *state_->engine;
}

Napi::Value EngineHandle::info(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return answer(env, [&]() -> Napi::Value {
    const Engine& engine = idle();
    const Model& model = engine.model();
    const ModelConfig& c = model.config;
    Napi::Object shape = Napi::Object::New(env);
    shape.Set("name", c.name);
    shape.Set("architecture", c.architecture);
    shape.Set("layers", c.layers);
    shape.Set("embedding", c.width);
    shape.Set("feedForward", c.inner);
    shape.Set("heads", c.heads);
    shape.Set("kvHeads", c.kvHeads);
    shape.Set("headDim", c.headDim);
    shape.Set("vocabSize", c.vocab);
    shape.Set("contextLength", c.context);
    shape.Set("parameters", static_cast<double>(model.parameters));
    Napi::Array ends = Napi::Array::New(env, model.endTokens.size());
    for (std::uint32_t i = 0; i < model.endTokens.size(); i++) ends.Set(i, model.endTokens[i]);
    shape.Set("endTokens", ends);
    Napi::Object out = Napi::Object::New(env);
    out.Set("kernel", engine.kernels().name);
    out.Set("threads", engine.threads());
    out.Set("model", shape);
    out.Set("tokenizerHash", model.tokenizerHash);
    out.Set("maxSequences", engine.maxSequences());
    out.Set("maxRows", engine.maxRows());
    out.Set("kvCache", engine.kvCache() == KvType::Q8 ? "q8" : "f16");
    return out;
  });
}

Napi::Value EngineHandle::createSequence(const Napi::CallbackInfo& info) {
  return answer(info.Env(), [&]() -> Napi::Value { return Napi::Number::New(info.Env(), idle().createSequence()); });
}

Napi::Value EngineHandle::releaseSequence(const Napi::CallbackInfo& info) {
  return answer(info.Env(), [&]() -> Napi::Value {
    idle().releaseSequence(toInt(info[0], "sequence"));
    return info.Env().Undefined();
  });
}

Napi::Value EngineHandle::truncate(const Napi::CallbackInfo& info) {
  return answer(info.Env(), [&]() -> Napi::Value {
    idle().truncate(toInt(info[0], "sequence"), toInt(info[1], "length"));
    return info.Env().Undefined();
  });
}

Napi::Value EngineHandle::copyPrefix(const Napi::CallbackInfo& info) {
  return answer(info.Env(), [&]() -> Napi::Value {
    idle().copyPrefix(toInt(info[0], "sequence"), toInt(info[1], "sequence"), toInt(info[2], "length"));
    return info.Env().Undefined();
  });
}

Napi::Value EngineHandle::forward(const Napi::CallbackInfo& info) {
  return answer(info.Env(), [&]() -> Napi::Value {
    idle();
    return startPass(info.Env(), state_, toForwardItems(info[0]), &Engine::forward, toFloat32Array);
  });
}

Napi::Value EngineHandle::verify(const Napi::CallbackInfo& info) {
  return answer(info.Env(), [&]() -> Napi::Value {
    idle();
    return startPass(info.Env(), state_, toPassItems(info[0]), &Engine::verify, fromEmitted);
  });
}

Napi::Value EngineHandle::cancel(const Napi::CallbackInfo& info) {
  if (state_) state_->cancelled.store(true);
  return info.Env().Undefined();
}

Napi::Value EngineHandle::unload(const Napi::CallbackInfo& info) {
  return answer(info.Env(), [&]() -> Napi::Value {
    idle();
    state_->engine.reset();
    return info.Env().Undefined();
  });
}

}  // namespace shard
