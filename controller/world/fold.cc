// SPDX-License-Identifier: Apache-2.0
#include "controller/world/fold.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "core/base/text.h"

namespace panshi::controller {
namespace {

constexpr std::size_t kDuesKept = 100;

// What a clock that was ahead made of times that are still to come, is made good: a plan would wait
// until then, and a day that was missed was not.
void set_calendar(State& state, const Event& event) {
  state.calendar_ahead = Duration(integer_of(event.data, "calendar_ahead_us").value_or(0));
  const WallTime now = state.calendar(event.at);
  for (auto& [name, day] : state.drill_days) {
    day.since = std::min(day.since, now);
    for (auto due = day.handled.upper_bound(now); due != day.handled.end();) {
      const bool missed = due->second == DayFacts::Dealt::kMissed;
      if (!missed) due->second = DayFacts::Dealt::kEarly;
      due = missed ? day.handled.erase(due) : std::next(due);
    }
    if (day.missed > now) day.missed.reset();
  }
}

void controller_started(State& state, const Event& event) {
  const std::int64_t epoch = integer_of(event.data, "epoch").value_or(0);
  const bool lowered = flag_of(event.data, "epoch_lowered") == true;
  state.epoch = lowered ? epoch : std::max(state.epoch + 1, epoch);
  if (!state.running) state.watching_since = event.at;
  state.running = true;
  state.started_at = event.at;
  set_calendar(state, event);
  state.started_on = state.calendar(event.at);
  state.doubt = false;
  for (auto& [name, agent] : state.agents) {  // until we hear of it
    agent.up = false;
    agent.why.clear();
  }
  // Agents have seen ids that the journal does not know: see --take-over.
  const std::int64_t above = integer_of(event.data, "ids_above").value_or(0);
  Counters& ids = state.counters;
  for (std::int64_t* id :
       {&ids.drill, &ids.breach, &ids.incident, &ids.run, &ids.fault, &ids.effect})
    *id = std::max(*id, above);
}

void controller_stopped(State& state, const Event&) { state.running = false; }

void agent_up(State& state, const Event& event) {
  AgentFacts& agent = state.agents[event.node];
  agent.up = true;
  agent.why.clear();
  agent.down = false;
  agent.start_id = text_of(event.data, "start_id");
  if (HaltedNode* halted = find_in(state.halt_nodes, event.node)) halted->again_at = event.at;
}

void agent_down(State& state, const Event& event) {
  AgentFacts& agent = state.agents[event.node];
  const bool is_news = agent.up || agent.why.empty();  // else only the reason is another one
  agent.up = false;
  agent.down = true;
  agent.why = text_of(event.data, "why");
  if (!is_news) return;
  for (auto& [id, fault] : state.faults) {
    if (fault.node != event.node || fault.ended()) continue;
    fault.state = FaultState::kUnknown;  // its agent reverts it by lease, but we do not see that
    fault.was_unknown = true;
  }
  if (DrillFacts* drill = state.active_drill()) {
    drill->doubts.push_back(cat("agent ", event.node, " was lost: ", text_of(event.data, "why")));
  }
}

void agent_signals(State& state, const Event& event) {
  auto& [by_name, by_node] = state.signals;
  const auto release = [&](const std::string& signal) {
    const auto found = by_name.find(signal);
    if (found == by_name.end()) return;
    by_node[found->second].erase(signal);
    by_name.erase(found);
  };
  for (const std::string& signal : texts_of(event.data, "releases")) {
    if (by_node[event.node].contains(signal)) release(signal);
  }
  for (const std::string& signal : texts_of(event.data, "takes")) {
    release(signal);  // of a node that is gone
    by_name[signal] = event.node;
    by_node[event.node].insert(signal);
  }
}

void halt_on(State& state, const Event& event) {
  state.halted = true;
  state.halt_reason = text_of(event.data, "reason");
  state.halt_nodes.clear();  // all are asked, again
}

void halt_off(State& state, const Event&) {
  state.halted = false;
  state.halt_reason.clear();
  state.halt_nodes.clear();
}

void doubt_on(State& state, const Event&) {
  state.doubt = true;
  if (DrillFacts* drill = state.active_drill()) drill->doubted = true;
}

void doubt_off(State& state, const Event&) { state.doubt = false; }

void schedule_planned(State& state, const Event& event) {
  DayFacts& day = state.drill_days[text_of(event.data, "drill_day")];
  day.plan = text_of(event.data, "plan");
  day.since = state.calendar(event.at);
}

void schedule_handled(State& state, const Event& event) {
  DayFacts& day = state.drill_days[text_of(event.data, "drill_day")];
  auto& handled = day.handled;
  const bool run = event.kind == "schedule.due";
  const WallTime due = from_us(integer_of(event.data, "due_us").value_or(0));
  handled[due] = run ? DayFacts::Dealt::kRun : DayFacts::Dealt::kMissed;
  day.missed = run ? std::nullopt : std::optional(due);
  day.missed_why = run ? std::string() : text_of(event.data, "why");
  if (handled.size() > kDuesKept) handled.erase(handled.begin());
}

FoldTable make_table() {
  FoldTable table = {{"controller.started", &controller_started},
                     {"controller.stopped", &controller_stopped},
                     {"agent.up", &agent_up},
                     {"agent.down", &agent_down},
                     {"agent.signals", &agent_signals},
                     {"halt.on", &halt_on},
                     {"halt.off", &halt_off},
                     {"doubt.on", &doubt_on},
                     {"doubt.off", &doubt_off},
                     {"clock.moved", &set_calendar},
                     {"schedule.planned", &schedule_planned},
                     {"schedule.due", &schedule_handled},
                     {"schedule.missed", &schedule_handled}};
  add_fault_folds(table);
  add_drill_folds(table);
  add_run_folds(table);
  return table;
}

}  // namespace

std::int64_t number_of(const std::string& id) {
  const auto dash = id.rfind('-');
  std::int64_t number = 0;
  if (dash == std::string::npos) return 0;
  const auto read = std::from_chars(id.data() + dash + 1, id.data() + id.size(), number);
  const bool is_whole = read.ptr == id.data() + id.size() || *read.ptr == '.';
  return is_whole ? number : 0;
}

const char* fault_state_word(FaultState state) {
  switch (state) {
    case FaultState::kIntended:
      return "intended";
    case FaultState::kLive:
      return "live";
    case FaultState::kUnknown:
      return "unknown";
    case FaultState::kReverted:
      return "reverted";
    case FaultState::kFailed:
      return "failed";
  }
  return "";
}

DrillFacts* State::active_drill() {
  for (auto& [id, drill] : drills) {
    if (drill.active()) return &drill;
  }
  return nullptr;
}

const DrillFacts* State::active_drill() const {
  return const_cast<State*>(this)->active_drill();  // NOLINT: the other one does not write
}

bool State::agent_up(const std::string& node) const {
  const auto found = agents.find(node);
  return found != agents.end() && found->second.up;
}

void fold(State& state, const Event& event) {
  static const FoldTable kTable = make_table();
  const auto handler = kTable.find(event.kind);
  if (!event.data.is_object()) return;
  if (handler != kTable.end()) handler->second(state, event);
  note_phase(state, event);
}

}  // namespace panshi::controller
