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

}  // namespace panshi::controller
