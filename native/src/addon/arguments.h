// JavaScript values to the engine's, checked; the JavaScript side has checked them before and gives the better messages.
#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "engine/engine.h"

namespace shard {

/** @throws BATCH_INVALID */
int toInt(const Napi::Value& value, const char* what);
std::vector<int> toTokens(const Napi::Value& value, const char* what);
EngineOptions toOptions(const Napi::Value& value);
SampleRequest toSampleRequest(const Napi::Value& value);
std::vector<ForwardItem> toForwardItems(const Napi::Value& value);
std::vector<PassItem> toPassItems(const Napi::Value& value);

Napi::Array fromEmitted(Napi::Env env, const std::vector<EmittedToken>& tokens);

}  // namespace shard
