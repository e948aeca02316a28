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
          if (inMemory) source = std::make_unique<MemorySource>(bytes->data(), bytes->size());
          else source = std::make_unique<FileSource>(path);
          *state = std::make_shared<State>(std::make_unique<Engine>(*source, options));
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
  const Napi::Env env = info.Env();
  return answer(env, [&]() -> Napi::Value {
    idle();
    auto items = std::make_shared<std::vector<ForwardItem>>(toForwardItems(info[0]));
    auto logits = std::make_shared<std::vector<std::vector<float>>>();
    const std::shared_ptr<State> state = state_;
    state->cancelled.store(false);
    state->busy.store(true);
    return Task::start(
        env,
        [=] {
          const Busy busy(*state);
          *logits = state->engine->forward(*items, state->cancelled);
        },
        [logits](Napi::Env done) -> Napi::Value {
          Napi::Array out = Napi::Array::New(done, logits->size());
          for (std::uint32_t i = 0; i < logits->size(); i++) out.Set(i, toFloat32Array(done, (*logits)[i]));
          return out;
        });
  });
}

Napi::Value EngineHandle::verify(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return answer(env, [&]() -> Napi::Value {
    idle();
    auto items = std::make_shared<std::vector<PassItem>>(toPassItems(info[0]));
    auto emitted = std::make_shared<std::vector<std::vector<EmittedToken>>>();
    const std::shared_ptr<State> state = state_;
    state->cancelled.store(false);
    state->busy.store(true);
    return Task::start(
        env,
        [=] {
          const Busy busy(*state);
          *emitted = state->engine->verify(*items, state->cancelled);
        },
        [emitted](Napi::Env done) -> Napi::Value {
          Napi::Array out = Napi::Array::New(done, emitted->size());
          for (std::uint32_t i = 0; i < emitted->size(); i++) out.Set(i, fromEmitted(done, (*emitted)[i]));
          return out;
        });
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
