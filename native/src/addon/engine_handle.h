// The JavaScript object that stands for a loaded engine. JavaScript keeps calls in order, one at a time; a call that
// comes while another runs is refused.
#pragma once

#include <napi.h>

#include <atomic>
#include <memory>

#include "engine/engine.h"

namespace shard {

class EngineHandle : public Napi::ObjectWrap<EngineHandle> {
 public:
  struct State {
    explicit State(std::unique_ptr<Engine> loaded) : engine(std::move(loaded)) {}
    std::unique_ptr<Engine> engine;
    std::atomic<bool> cancelled{false};
    std::atomic<bool> busy{false};
  };

  static Napi::Function define(Napi::Env env);
  /** load(path | bytes, options): a promise of a handle. */
  static Napi::Value load(const Napi::CallbackInfo& info);

  explicit EngineHandle(const Napi::CallbackInfo& info);

 private:
  Napi::Value info(const Napi::CallbackInfo& info);
  Napi::Value createSequence(const Napi::CallbackInfo& info);
  Napi::Value releaseSequence(const Napi::CallbackInfo& info);
  Napi::Value truncate(const Napi::CallbackInfo& info);
  Napi::Value copyPrefix(const Napi::CallbackInfo& info);
  Napi::Value forward(const Napi::CallbackInfo& info);
  Napi::Value verify(const Napi::CallbackInfo& info);
  Napi::Value cancel(const Napi::CallbackInfo& info);
  Napi::Value unload(const Napi::CallbackInfo& info);

  /** The engine, when it is loaded and idle. @throws UNLOADED, BATCH_INVALID */
  Engine& idle() const;

  std::shared_ptr<State> state_;
};

}  // namespace shard
