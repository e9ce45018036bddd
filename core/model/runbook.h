// SPDX-License-Identifier: Apache-2.0
// Runbook: what to do about a breach, step by step, under guards.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/model/comparison.h"

namespace panshi {

struct Step {
  std::string name;
  std::string kind;                   // restart | reroute | mark | script | wait_for | notify
  std::string service;                // restart, mark
  std::string node;                   // reroute, script
  std::string link;                   // reroute
  std::string to;                     // reroute: an upstream's name
  std::string established = "drain";  // reroute: drain | reset
  std::string as;                     // mark: ok | degraded
  std::string script;                 // plain file name in the node's script directory
  nlohmann::json env = nlohmann::json::object();  // script
  Comparison condition;                           // wait_for
  std::string channel;                            // notify
  std::string message;                            // notify
  bool page = false;                              // notify
  Duration timeout = std::chrono::seconds(10);
  std::int64_t retries = 0;
  std::string on_failure = "stop";  // stop | continue
  bool idempotent = true;           // may be repeated when its outcome is unknown

  // What of the system it acts on: "service cardkeys-primary", "link app-1/cardkeys", or empty.
  std::string target() const;
  std::string text() const;  // "reroute app-1/cardkeys to standby"
};

struct Runbook {
  std::string name;
  std::string title;
  std::string breach;  // of the trigger; empty: by hand only
  Duration cooldown = std::chrono::minutes(1);
  std::int64_t runs_max = 3;
  Duration runs_within = std::chrono::hours(1);
  std::vector<Step> steps;
};

Runbook read_runbook(const nlohmann::json& json, Problems& problems);

}  // namespace panshi
