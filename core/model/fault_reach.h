// SPDX-License-Identifier: Apache-2.0
// FaultReach: what the configuration of a node gives faults to work through
// (FaultKindSpec::through), so that a fault that its agent would refuse is refused before the
// drill.
//
// Pure. Any thread.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json/problems.h"

namespace panshi {

struct FaultReach {
  // Service -> of "sql", "redis", "nats", "nats.monitor", "load" what it has; none: it is not
  // there.
  std::map<std::string, std::vector<std::string>> services;
  std::vector<std::string> http_links;                  // declared `protocol: http`
  std::optional<std::vector<std::string>> directories;  // absolute; none: not known

  bool has(const std::string& service, std::string_view entry) const;
  bool has_any(std::string_view entry) const;  // some service of the node has it
  // Whether the path, as it is written, lies in an allowed folder; true when those are not known.
  // Links are the agent's to follow.
  bool may_touch(const std::string& path) const;
  bool operator==(const FaultReach&) const = default;
};

// Of an agent's configuration. What is malformed in it is passed over: the agent says so itself.
FaultReach reach_of_agent(const nlohmann::json& config);

// {"services": {"db-0a": ["sql"]}, "http_links": ["edge"], "directories": ["/srv/data"]}; without
// `directories` they are not known.
FaultReach read_fault_reach(const nlohmann::json& json, const std::string& path,
                            Problems& problems);
nlohmann::json to_json(const FaultReach& reach);

}  // namespace panshi
