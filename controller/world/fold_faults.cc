// SPDX-License-Identifier: Apache-2.0
// The fold of effects and faults.
#include <algorithm>

#include "controller/world/fold.h"
#include "core/base/text.h"
#include "core/model/fault_kinds.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;

constexpr Duration kRevertAgain = 1s;  // doubled with each try
constexpr Duration kRevertAgainMax = 30s;
constexpr Duration kLeftoverAgainMax = 10min;  // its lease ends it; each try is two events for ever
constexpr std::size_t kFaultsKept = 500;

void intend_fault(State& state, const Event& event, const PendingEffect& effect) {
  FaultFacts fault;
  fault.id = effect.subject;
  fault.kind = text_of(effect.body, "kind");
  fault.node = event.node;
  fault.target = effect.body.value("target", nlohmann::json::object());
  fault.params = effect.body.value("params", nlohmann::json::object());
  fault.drill = event.drill;
  fault.scenario_fault = text_of(event.data, "scenario_fault");
  fault.term = Duration(integer_of(event.data, "for_us").value_or(0));
  fault.intended_at = event.at;
  if (fault.drill.empty()) {
    state.counters.fault = std::max(state.counters.fault, number_of(fault.id));
  }
  state.faults[fault.id] = std::move(fault);
}

bool ends_one(const PendingEffect& effect) {
  return effect.kind == EffectKind::kRevert || effect.kind == EffectKind::kClear;
}

Duration pause_after(int tries, Duration most = kRevertAgainMax) {
  return std::min(most, kRevertAgain * (1 << std::clamp(tries - 1, 0, 10)));
}

void halt_answered(HaltedNode& node, const Event& event, const std::string& outcome) {
  node.asking = false;
  node.confirmed = outcome == "ok";
  node.why = node.confirmed ? "" : text_of(event.data, "detail");
  node.tries = node.confirmed ? 0 : node.tries + 1;
  node.again_at = event.at + pause_after(node.tries);
}

void effect_intended(State& state, const Event& event) {
  auto known = effect_in(event.data);
  if (!known) return;
  PendingEffect effect{*std::move(known)};
  effect.node = event.node;
  effect.at = event.at;
  effect.epoch = state.epoch;
  effect.drill = event.drill;
  effect.incident = event.incident;
  effect.run = event.run;
  state.counters.effect = std::max(state.counters.effect, number_of(effect.id));

  if (effect.kind == EffectKind::kInject) intend_fault(state, event, effect);
  if (effect.kind == EffectKind::kRevertAll && state.halted)
    state.halt_nodes[effect.node].asking = true;
  for (auto& [id, fault] : state.faults) {
    const bool this_one = ends_one(effect) && id == effect.subject;
    const bool all =
        effect.kind == EffectKind::kRevertAll && fault.node == effect.node && !fault.ended();
    if (this_one || all) fault.reverting = fault.revert_asked = true;
  }
  RunFacts* run = find_in(state.runs, effect.run);
  if (run) run->effect = effect.id;
  DrillFacts* drill = find_in(state.drills, effect.drill);
  if (drill && !run && effect.kind == EffectKind::kAct) drill->audit_effect = effect.id;
  state.effects[effect.id] = std::move(effect);
}

void inject_done(FaultFacts& fault, const Event& event, const std::string& outcome) {
  if (fault.state != FaultState::kIntended) return;
  if (outcome == "failed") {
    fault.state = FaultState::kFailed;
    fault.ended_at = event.at;
    fault.reason = text_of(event.data, "detail");
    fault.not_now = event.data.value("not_now", nlohmann::json()) == true;
  } else if (outcome == "unknown") {
    fault.state = FaultState::kUnknown;
    fault.was_unknown = true;
  }
}

void run_effect_done(RunFacts& run, const Event& event, const std::string& outcome) {
  run.effect_outcome = outcome;
  run.effect_detail = text_of(event.data, "detail");
  run.effect_at = event.at;
}

void effect_done(State& state, const Event& event) {
  PendingEffect* pending = find_in(state.effects, text_of(event.data, "effect"));
  if (!pending) return;
  const PendingEffect effect = std::move(*pending);
  state.effects.erase(effect.id);
  const std::string outcome = text_of(event.data, "outcome");

  FaultFacts* fault = find_in(state.faults, effect.subject);
  if (fault && effect.kind == EffectKind::kInject) inject_done(*fault, event, outcome);
  for (auto& [id, other] : state.faults) {
    const bool all = effect.kind == EffectKind::kRevertAll && other.node == effect.node;
    if (!all && !(ends_one(effect) && id == effect.subject)) continue;
    other.reverting = false;
    other.revert_tries += 1;
    other.revert_why = outcome == "ok" ? "" : text_of(event.data, "detail");
    const Duration most = other.leftover ? kLeftoverAgainMax : kRevertAgainMax;
    other.revert_again_at = event.at + pause_after(other.revert_tries, most);
  }
  if (effect.kind == EffectKind::kRevertAll && state.halted) {
    halt_answered(state.halt_nodes[effect.node], event, outcome);
  }
  RunFacts* run = find_in(state.runs, effect.run);
  if (run && run->effect == effect.id) run_effect_done(*run, event, outcome);
  if (outcome == "ok" && effect.kind == EffectKind::kAct &&
      text_of(effect.body, "kind") == "mark") {
    const auto params = effect.body.value("params", nlohmann::json::object());
    if (text_of(params, "as") == "ok") {
      state.marks.erase(text_of(params, "service"));
    } else {
      state.marks[text_of(params, "service")] = text_of(params, "as");
    }
  }
}

// A fault that we did not intend (a leftover) gets an entry too: what is live must be reverted.
FaultFacts& fault_of(State& state, const Event& event) {
  FaultFacts& fault = state.faults[text_of(event.data, "fault")];
  if (fault.id.empty()) {
    fault.id = text_of(event.data, "fault");
    fault.kind = text_of(event.data, "kind");
    fault.target = event.data.value("target", nlohmann::json::object());
    fault.node = event.node;
    fault.intended_at = event.at;
    fault.leftover = true;
  }
  return fault;
}

void note_measured(FaultFacts& fault, const Event& event) {
  const auto measured = event.data.find("measured");
  if (measured == event.data.end() || !measured->is_object()) return;
  fault.measured = *measured;
  const FaultKindSpec* kind = find_fault_kind(fault.kind);
  fault.shown = fault.shown || (kind && shows_effect(*kind, *measured));
}

void fault_live(State& state, const Event& event) {
  FaultFacts& fault = fault_of(state, event);
  note_measured(fault, event);
  if (fault.ended()) fault.leftover = true;
  fault.state = FaultState::kLive;
  fault.lost = false;
  fault.ended_at.reset();
  fault.reason = text_of(event.data, "error");
  if (!fault.live_at) fault.live_at = event.at;
  DrillFacts* drill = find_in(state.drills, fault.drill);
  if (drill && !drill->first_live_at) drill->first_live_at = event.at;
}

void fault_ended(State& state, const Event& event, FaultState how, const char* why) {
  FaultFacts* fault = find_in(state.faults, text_of(event.data, "fault"));
  if (!fault) return;
  note_measured(*fault, event);
  fault->state = how;
  fault->ended_at = event.at;
  fault->stuck = false;
  fault->reason = text_of(event.data, why);
  fault->reverting = false;
  if (state.faults.size() <= kFaultsKept) return;
  // What nobody ordered goes first: no node makes us forget what a drill did.
  const auto rank = [](const FaultFacts& one) { return std::pair(!one.leftover, one.intended_at); };
  auto oldest = state.faults.end();
  for (auto it = state.faults.begin(); it != state.faults.end(); ++it) {
    if (!it->second.ended()) continue;
    if (oldest == state.faults.end() || rank(it->second) < rank(oldest->second)) oldest = it;
  }
  if (oldest != state.faults.end()) state.faults.erase(oldest);
}

void fault_lost(State& state, const Event& event) {
  FaultFacts* fault = find_in(state.faults, text_of(event.data, "fault"));
  if (!fault) return;
  fault->state = FaultState::kUnknown;
  fault->was_unknown = fault->lost = true;
  fault->reason = text_of(event.data, "why");
}

// That it could not be applied is told as an error of its state, and what it broke is undone: not
// that one, which nobody waits for.
void fault_stuck(State& state, const Event& event) {
  FaultFacts* fault = find_in(state.faults, text_of(event.data, "fault"));
  if (!fault) return;
  fault->stuck = true;
  fault->stuck_why = fault->revert_why = text_of(event.data, "error");
  fault->reason = cat("cannot be reverted: ", fault->stuck_why);
}

void fault_reverted(State& state, const Event& event) {
  fault_ended(state, event, FaultState::kReverted, "reason");
  FaultFacts* fault = find_in(state.faults, text_of(event.data, "fault"));
  if (fault && flag_of(event.data, "forced") == true) fault->closed_for_good = true;
}

void fault_failed(State& state, const Event& event) {
  fault_ended(state, event, FaultState::kFailed, "error");
}

}  // namespace

void add_fault_folds(FoldTable& table) {
  table["effect.intended"] = &effect_intended;
  table["effect.done"] = &effect_done;
  table["fault.live"] = &fault_live;
  table["fault.seen"] = &fault_live;  // as it was
  table["fault.reverted"] = &fault_reverted;
  table["fault.failed"] = &fault_failed;
  table["fault.lost"] = &fault_lost;
  table["fault.stuck"] = &fault_stuck;
}

}  // namespace panshi::controller
