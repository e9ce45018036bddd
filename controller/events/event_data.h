// SPDX-License-Identifier: Apache-2.0
// Reading an event's data without trusting it: a field that is absent or of another type is empty.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "controller/limits.h"
#include "core/base/clock.h"
#include "core/model/event.h"

namespace panshi::controller {

std::string text_of(const nlohmann::json& data, const char* key);
// One that is beyond 64 bits is the largest that is not.
std::optional<std::int64_t> integer_of(const nlohmann::json& data, const char* key);
// An age or a length of time that an agent said, in microseconds: whatever number it said, from 0
// to `most`, so that a sum of it and a moment is one. Each reader of an agent's answer reads it so.
std::optional<Duration> length_of(const nlohmann::json& data, const char* key,
                                  Duration most = limits::kAgeMax);
// The same of all numbers under a key that ends with `_us` or `_ms`, of `data` alone: what is kept
// of an agent's words as they are is added up by whoever reads the journal.
void bound_lengths(nlohmann::json& data);
std::optional<double> number_of(const nlohmann::json& data, const char* key);
std::optional<bool> flag_of(const nlohmann::json& data, const char* key);
std::vector<std::string> texts_of(const nlohmann::json& data, const char* key);
// The value, or null.
const nlohmann::json& value_of(const nlohmann::json& data, const char* key);

std::string run_of(const Event& event);

}  // namespace panshi::controller
