// SPDX-License-Identifier: Apache-2.0
// Reading JSON as the clients of that API expect it: names of fields in any case, unknown ones
// ignored, null as if absent, only the first value of a body, integers exact. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "core/base/result.h"

namespace panshi::agent::toxiproxy {

// kInvalid: the words of the mistake.
Result<nlohmann::json> read_first_value(const std::string& body);

// The field of an object, "" and unset alike being left out: `out` keeps its value.
Status read_field(const nlohmann::json& object, const std::string& name, std::string& out);
Status read_field(const nlohmann::json& object, const std::string& name, bool& out);
Status read_field(const nlohmann::json& object, const std::string& name, double& out);
Status read_field(const nlohmann::json& object, const std::string& name, std::int64_t& out);
// Null when it is not there.
const nlohmann::json* find_field(const nlohmann::json& object, const std::string& name);

}  // namespace panshi::agent::toxiproxy
