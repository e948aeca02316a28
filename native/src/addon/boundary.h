// Errors on their way to JavaScript, and work off its thread.
#pragma once

#include <napi.h>

#include <functional>
#include <new>
#include <string>
#include <utility>

#include "support/error.h"

namespace shard {

inline Napi::Error jsError(Napi::Env env, const char* code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

/** Runs `body`; whatever it throws becomes a code and a message. */
template <typename F>
bool guarded(F&& body, std::string& code, std::string& message) {
  try {
    body();
    return true;
  } catch (const EngineError& error) {
    code = codeName(error.code());
    message = error.what();
  } catch (const std::bad_alloc&) {
    code = codeName(Code::OutOfMemory);
    message = "not enough memory: choose a smaller model, fewer sequences or a shorter context";
  } catch (const std::exception& error) {
    code = codeName(Code::GgufInvalid);
    message = std::string("unexpected: ") + error.what();
  }
  return false;
}

/** For functions that answer at once: throws what JavaScript sees. */
template <typename F>
auto answer(Napi::Env env, F&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (const EngineError& error) {
    throw jsError(env, codeName(error.code()), error.what());
  } catch (const std::bad_alloc&) {
    throw jsError(env, codeName(Code::OutOfMemory), "not enough memory");
  } catch (const std::exception& error) {
    throw jsError(env, codeName(Code::BatchInvalid), std::string("unexpected: ") + error.what());
  }
}

/** Work on a thread of libuv's pool, its result made on JavaScript's thread, as a promise. */
class Task final : public Napi::AsyncWorker {
 public:
  using Work = std::function<void()>;
  using Result = std::function<Napi::Value(Napi::Env)>;

  static Napi::Promise start(Napi::Env env, Work work, Result result) {
    auto* task = new Task(env, std::move(work), std::move(result));
    const Napi::Promise promise = task->deferred_.Promise();
    task->Queue();
    return promise;
  }

 protected:
  void Execute() override { good_ = guarded(work_, code_, message_); }

  void OnOK() override {
    const Napi::HandleScope scope(Env());
    if (good_) {
      Napi::Value value = Env().Undefined();
      try {
        value = result_(Env());
      } catch (const Napi::Error& error) {
        deferred_.Reject(error.Value());
        return;
      } catch (const std::exception& error) {
        deferred_.Reject(jsError(Env(), codeName(Code::OutOfMemory), error.what()).Value());
        return;
      }
      deferred_.Resolve(value);
    } else {
      deferred_.Reject(jsError(Env(), code_.c_str(), message_).Value());
    }
  }

 private:
  Task(Napi::Env env, Work work, Result result)
      : Napi::AsyncWorker(env, "shard-engine"),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        result_(std::move(result)) {}

  Napi::Promise::Deferred deferred_;
  Work work_;
  Result result_;
  bool good_ = false;
  std::string code_, message_;
};

}  // namespace shard
