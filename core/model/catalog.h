// SPDX-License-Identifier: Apache-2.0
// Catalog: everything the controller was configured with, read and checked at start and at reload.
//
// Immutable; any thread may read it.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/model/inventory.h"
#include "core/model/rule.h"
#include "core/model/runbook.h"
#include "core/model/scenario.h"
#include "core/model/schedule.h"

namespace panshi {

// The times by which the controller decides; the first three come from its configuration.
struct Settings {
  Duration lease = std::chrono::seconds(3);              // term of a fault's lease
  Duration agent_lost_after = std::chrono::seconds(2);   // silence after which an agent is down
  Duration late_bound = std::chrono::milliseconds(250);  // a later loop doubts itself
  Duration doubt_for = std::chrono::seconds(3);          // on time this long ends the doubt
  Duration contact_within = std::chrono::seconds(10);    // first word of an agent after our start
  Duration stale_after = std::chrono::seconds(3);        // an older newest sample is "no data"
  Duration effect_timeout = std::chrono::seconds(5);     // of inject, revert, revert_all, notify
};

struct Catalog {
  Settings settings;
  Inventory inventory;
  std::map<std::string, Scenario> scenarios;  // by name
  std::map<std::string, Rule> rules;
  std::map<std::string, Runbook> runbooks;
  std::vector<DrillDay> drill_days;
  std::map<std::string, nlohmann::json> documents;  // each as it was written: "rule orders-down"
};

// "rule orders-down changed", "scenario freeze is new", "node n-3 is gone", … in order of name.
std::vector<std::string> changes_between(const Catalog& before, const Catalog& after);

}  // namespace panshi
