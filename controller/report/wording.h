// SPDX-License-Identifier: Apache-2.0
// How targets, times and values read in a report.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace panshi::controller {

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
