// SPDX-License-Identifier: Apache-2.0
// The timeline of faults: what is due, whether it may be, and what came of it.
#include <algorithm>

#include "controller/drills/drills.h"
#include "controller/drills/parts.h"
#include "controller/world/blast_radius.h"
#include "controller/world/faults.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;

constexpr Duration kDoubtMax = 30s;  // a fault that waits longer for the doubt to end is given up

// What the agent measured as its time in force differs a little from what we counted off.
constexpr Duration kTermSlack = 50ms;

bool ended_early(const FaultFacts& fault) {
  const WallTime planned = fault.live_at.value_or(fault.intended_at) + fault.term;
  const Duration slack = std::max(kTermSlack, fault.term / 20);
  return fault.ended_at && *fault.ended_at + slack < planned;
}

// A fault of the drill that did not go as planned ends it.
std::string why_astray(const FaultFacts& fault) {
  if (fault.state == FaultState::kFailed) {
    return cat("fault ", fault.scenario_fault, " could not be applied: ", fault.reason);
  }
  if (fault.state == FaultState::kUnknown) {
    return cat("it is not known whether fault ", fault.scenario_fault, " is in force");
  }
  if (fault.state != FaultState::kReverted) return {};
  if (!fault.revert_asked || (fault.reason == "lease" && ended_early(fault))) {
    return cat("fault ", fault.scenario_fault, " ended by itself: ", fault.reason);
  }
  // Asked for, but not by the plan: our own stop, a person, or an end that we only heard of when
  // its time was over.
  if (!ended_early(fault)) return {};
  const Duration in_force = fault.live_at ? *fault.ended_at - *fault.live_at : Duration(0);
  return cat("fault ", fault.scenario_fault, " was in force for ",
             duration_text(std::chrono::round<std::chrono::milliseconds>(in_force)), " of ",
             duration_text(fault.term), " (", fault.reason, ")");
}

const FaultFacts* fault_at(const State& state, const DrillFacts& drill, std::size_t index) {
  const auto found = state.faults.find(cat(drill.id, ".", drill.scenario.faults[index].id));
  return found == state.faults.end() ? nullptr : &found->second;
}

// Empty when the fault is injected or must wait.
std::string inject_due(Context& context, const DrillFacts& drill, std::size_t index) {
  const ScenarioFault& fault = drill.scenario.faults[index];
  const WallTime due = drill.phase_at + fault.at;
  if (context.now < due) {
    context.wake_at(due);
    return {};
  }
  if (context.state.doubt) {
    if (context.now >= due + kDoubtMax) {
      return cat("fault ", fault.id, " was not applied: the controller doubted its evidence for ",
                 duration_text(kDoubtMax));
    }
    context.wake_at(due + kDoubtMax);
    return {};
  }
  const Target& target = drill.targets[index];
  const std::string node = node_of(context.catalog.inventory, target);
  if (node.empty()) return cat("nothing is known of ", target.text(), " any more");
  if (!context.state.agent_up(node)) {
    if (context.first_contact_over()) return cat("agent ", node, " of ", target.text(), " is down");
    context.wake_at(context.state.started_at + context.catalog.settings.contact_within);
    return {};
  }
  if (std::string why = why_too_wide(context, target, drill.scenario.targets_max); !why.empty()) {
    return cat("fault ", fault.id, " was not applied: ", why);
  }
  inject(context, {cat(drill.id, ".", fault.id), fault.kind, target, fault.params, fault.term,
                   drill.id, fault.id});
  return {};
}

}  // namespace

std::vector<const FaultFacts*> faults_of(const State& state, const DrillFacts& drill) {
  std::vector<const FaultFacts*> faults;
  for (std::size_t i = 0; i < drill.scenario.faults.size(); ++i) {
    if (const FaultFacts* fault = fault_at(state, drill, i)) faults.push_back(fault);
  }
  return faults;
}

WallTime faults_over_at(const State& state, const DrillFacts& drill) {
  WallTime at{};
  for (const FaultFacts* fault : faults_of(state, drill)) {
    if (fault->ended_at) at = std::max(at, *fault->ended_at);
  }
  return at;
}

void advance_inject(Context& context, const DrillFacts& drill) {
  bool all_over = true;
  for (std::size_t i = 0; i < drill.scenario.faults.size(); ++i) {
    const FaultFacts* fault = fault_at(context.state, drill, i);
    const std::string why = fault ? why_astray(*fault) : inject_due(context, drill, i);
    if (!why.empty()) return abort_drill(context, drill.id, why, false);
    all_over = all_over && fault && fault->ended();
  }
  if (all_over) enter_phase(context, drill, "recover");
}

}  // namespace panshi::controller
