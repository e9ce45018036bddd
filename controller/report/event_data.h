// SPDX-License-Identifier: Apache-2.0
// Reading an event's data without trusting it: a field that is absent or of another type is empty.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/model/event.h"

namespace panshi::controller {

std::string text_of(const nlohmann::json& data, const char* key);
std::optional<std::int64_t> integer_of(const nlohmann::json& data, const char* key);
std::optional<double> number_of(const nlohmann::json& data, const char* key);
std::optional<bool> flag_of(const nlohmann::json& data, const char* key);
std::vector<std::string> texts_of(const nlohmann::json& data, const char* key);
// The value, or null.
const nlohmann::json& value_of(const nlohmann::json& data, const char* key);

std::string run_of(const Event& event);

// "service orders", "link database of app-1"; other shapes as JSON.
std::string target_text(const nlohmann::json& target);
// Every name in a target: what it may be recognised by.
std::vector<std::string> target_names(const nlohmann::json& target);

// 312.4 ms; from ten seconds on 12.3 s.
std::string time_text(std::int64_t us);
// +312.4 ms, -0.2 ms
std::string offset_text(std::int64_t us);
std::string ms_text(std::int64_t us);  // "312.4", always milliseconds, one decimal
// At most three decimals: a measured value for reading, not for recomputing.
std::string value_text(double value);

}  // namespace panshi::controller
