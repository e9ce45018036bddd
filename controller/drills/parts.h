// SPDX-License-Identifier: Apache-2.0
// The parts of a drill's machine. Internal to controller/drills.
#pragma once

#include <string>
#include <vector>

#include "controller/world/context.h"

namespace panshi::controller {

DrillWatch& watch_of(Context& context, const DrillFacts& drill);
Owner owner_of(const DrillFacts& drill);
void enter_phase(Context& context, const DrillFacts& drill, const char* phase);

// Steady state: [{text, observed, ok}] and whether all hold.
struct SteadyChecks {
  bool ok = true;
  nlohmann::json checks = nlohmann::json::array();

  void add(std::string text, nlohmann::json observed, bool holds);
};
// By samples from `since` on: older ones tell of another time.
SteadyChecks check_steady(Context& context, const DrillFacts& drill, WallTime since);

// injecting.cc
std::vector<const FaultFacts*> faults_of(const State& state, const DrillFacts& drill);
// When the last fault that has ended did; the epoch when none has.
WallTime faults_over_at(const State& state, const DrillFacts& drill);
void advance_inject(Context& context, const DrillFacts& drill);

// expectations.cc: those that can be decided at this moment; `last_call` decides the rest.
void advance_expectations(Context& context, const DrillFacts& drill, bool last_call);
// Until when, at most, the last samples are awaited that some of them need.
WallTime expectations_need_until(const Context& context, const DrillFacts& drill);

// verdict.cc
struct Verdict {
  std::string word;  // pass | fail | unknown
  std::vector<std::string> why;
};
Verdict verdict_of(const State& state, const DrillFacts& drill);

// audit.cc
void start_audit(Context& context, const DrillFacts& drill);

}  // namespace panshi::controller
