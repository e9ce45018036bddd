// SPDX-License-Identifier: Apache-2.0
// Cross-checks: names in scenarios, rules, runbooks and schedules against what there is.
//
// A part that is not known (no inventory while checking a lone file) is null and not checked.
#pragma once

#include <string>
#include <vector>

#include "core/json/problems.h"
#include "core/model/catalog.h"

namespace panshi {

struct Known {
  const Inventory* inventory = nullptr;
  const std::vector<std::string>* rules = nullptr;  // names
  const std::vector<std::string>* runbooks = nullptr;
  const std::vector<std::string>* scenarios = nullptr;
};

// Paths are those of the documents ("faults[0].target.service").
void check_scenario(const Scenario& scenario, const Known& known, Problems& problems);
void check_scenario_fault(const ScenarioFault& fault, const nlohmann::json& document,
                          const Known& known, const std::string& path, Problems& problems);
void check_rules(const std::vector<Rule>& rules, const Known& known, Problems& problems);
void check_runbook(const Runbook& runbook, const Known& known, Problems& problems);
void check_drill_days(const std::vector<DrillDay>& days, const Known& known, Problems& problems);

// "unknown service `x` (did you mean `y`?); known: y, z"
std::string unknown_name(std::string_view what, std::string_view typed,
                         const std::vector<std::string>& known);

// The whole chain for a document from an HTTP body: read, check against the catalog.
Result<Scenario> scenario_from_json(const nlohmann::json& json, const Catalog& catalog);

}  // namespace panshi
