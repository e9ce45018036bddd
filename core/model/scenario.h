// SPDX-License-Identifier: Apache-2.0
// Scenario: what a drill breaks, when, what is expected of the system, and when to stop at once.
//
// The file format is in docs/reference/files.md.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/model/comparison.h"
#include "core/model/target.h"

namespace panshi {

struct ScenarioFault {
  std::string id;    // unique in the scenario
  std::string kind;  // one of core/model/fault_kinds.h
  Target target;
  nlohmann::json params = nlohmann::json::object();
  Duration at{};    // after the steady state was met
  Duration term{};  // key `for`
};

struct Expectation {
  enum class Kind { kBreach, kRun, kSignal };
  Kind kind = Kind::kBreach;
  std::string breach;          // kBreach: name of the rule
  Duration within{};           // kBreach: after the first fault is in force
  std::string run;             // kRun: name of the runbook
  std::string outcome = "ok";  // kRun
  Comparison signal;           // kSignal
  std::string during;          // kSignal: fault (true at every sample) | recovered

  std::string text() const;
};

struct Audit {
  std::string node;
  std::string program;
  Duration timeout = std::chrono::seconds(90);
};

struct Scenario {
  std::string name;
  std::string title;
  std::string summary;
  Duration steady_within = std::chrono::seconds(30);
  std::vector<Comparison> steady;
  std::vector<ScenarioFault> faults;
  std::int64_t targets_max = 1;  // services or links broken at once
  std::vector<Expectation> expect;
  std::vector<Comparison> abort_if;
  Duration recover_within = std::chrono::seconds(60);
  Duration settle = std::chrono::seconds(1);
  std::optional<Audit> audit;
  nlohmann::json document;  // as it was read: what the journal keeps of it
};

// One element of `faults`; also the body of POST /api/v1/faults, which has no id.
ScenarioFault read_scenario_fault(const nlohmann::json& json, const std::string& path,
                                  Problems& problems);

// Every mistake goes to `problems`; what is returned is usable only when there are none.
Scenario read_scenario(const nlohmann::json& json, Problems& problems,
                       const std::string& path = "");

}  // namespace panshi
