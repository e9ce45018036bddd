// SPDX-License-Identifier: Apache-2.0
// The signals that an agent sends, told from its configuration: what a rule or a scenario may name.
// Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace panshi {

// What a probe of that kind sends beside `up` and `latency_ms`, as in docs/reference/agent-api.md.
std::vector<std::string> signals_of_probe_kind(const std::string& kind);

// Of an agent's configuration (`services`, `probes`), sorted. What is malformed in it is passed
// over: the agent says so itself.
std::vector<std::string> signals_of_agent(const nlohmann::json& config);

}  // namespace panshi
