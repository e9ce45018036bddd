// SPDX-License-Identifier: Apache-2.0
// State: what the controller knows from its journal, and nothing else. Changed by `fold` alone.
//
// Whatever is here is the same after a restart; what is not in events lives in Memory (context.h).
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/events/phases.h"
#include "controller/world/effects.h"
#include "core/base/clock.h"
#include "core/model/event.h"
#include "core/model/scenario.h"

namespace panshi::controller {

struct AgentFacts {
  bool up = false;
  std::string start_id;
  std::string why;    // it is down, as last told; empty: up, or never heard of since our start
  bool down = false;  // lost, and not heard of since; also over a restart of the controller
};

// During a halt: whether the node's agent has said that every fault of it is reverted.
struct HaltedNode {
  bool confirmed = false;
  bool asking = false;  // an answer is awaited
  int tries = 0;        // without success
  WallTime again_at{};  // not before
  std::string why;      // it has not, from the last try
};

struct PendingEffect : Effect {  // intended, no outcome yet
  WallTime at{};
  std::int64_t epoch = 0;  // of the controller that intended it
  std::string drill = {};
  std::string incident = {};
  std::string run = {};
};

enum class FaultState { kIntended, kLive, kUnknown, kReverted, kFailed };
const char* fault_state_word(FaultState state);

struct FaultFacts {
  std::string id;
  std::string kind;
  std::string node;
  nlohmann::json target;
  nlohmann::json params;
  std::string drill;
  std::string scenario_fault;  // id in the scenario
  Duration term{};             // wanted this long once live; 0 for a leftover
  FaultState state = FaultState::kIntended;
  WallTime intended_at{};
  std::optional<WallTime> live_at;
  std::optional<WallTime> ended_at;
  std::string reason;          // how it ended, or why it failed
  nlohmann::json measured;     // as the agent last said
  bool not_now = false;        // it was refused for what was in its way: it may be tried again
  bool shown = false;          // something that was measured shows an effect
  bool was_unknown = false;    // for a while at least
  bool reverting = false;      // a revert is under way
  bool revert_asked = false;   // by us, ever
  WallTime revert_again_at{};  // not before
  int revert_tries = 0;        // without success
  std::string revert_why;      // the last one did not succeed
  // Its agent does not know it any more: what it broke may be broken still, and nobody has the undo
  // record. Cleared the way that its kind has for that.
  bool lost = false;
  // In force for all that its agent says, and nobody here wants it: we never ordered it, or it was
  // over in our books.
  bool leftover = false;
  bool closed_for_good = false;  // by a person, whatever its agent says of it
  // Why its agent cannot revert it, or could not for a while. `stuck`: still.
  std::string stuck_why;
  bool stuck = false;

  bool ended() const { return state == FaultState::kReverted || state == FaultState::kFailed; }
};

enum class Answer { kPending, kYes, kNo, kUnknown };  // of an expectation

struct ExpectationFacts {
  Answer answer = Answer::kPending;
  nlohmann::json observed;
};

struct DrillFacts {
  std::string id;
  Scenario scenario;
  std::uint64_t seed = 0;
  std::string why;    // asked | scheduled
  std::string phase;  // steady inject recover settle audit done
  WallTime phase_at{};
  WallTime started_at{};
  std::optional<WallTime> ended_at;
  std::vector<std::pair<std::string, WallTime>> phases;
  std::vector<Target> targets;      // of scenario.faults, after the draw
  std::vector<Event> phase_events;  // what `failover` was read from
  std::vector<Phase> failover;
  std::optional<WallTime> first_live_at;
  std::vector<ExpectationFacts> expectations;
  std::optional<bool> recovered;  // steady state again after the faults
  bool aborting = false;
  bool abort_is_failure = false;  // by a condition of the scenario
  std::string abort_why;
  std::vector<std::string> doubts;  // what keeps the verdict from being known
  bool doubted = false;             // the controller doubted itself meanwhile
  nlohmann::json audit;             // {"verdict", "audit"} once it is there
  std::string audit_effect;
  std::string verdict;  // empty until done
  bool aborted = false;
  std::vector<std::string> whys;

  bool active() const { return verdict.empty(); }
};

struct BreachFacts {
  std::string id;
  std::string rule;
  std::string signal;
  std::string target;  // Target::text()
  std::string incident;
  std::string drill;
  WallTime opened_at{};
  std::optional<WallTime> cleared_at;
  std::string given_up;               // why it counts as cleared although nobody saw it so
  std::optional<WallTime> routed_at;  // first reroute or restart that worked
  bool first_good = false;
  std::map<std::string, std::string> refused;  // runbook -> the last why
};

struct IncidentFacts {
  std::string id;
  std::string rule;  // of the first breach
  std::string title;
  std::string target;
  std::string drill;
  std::vector<std::string> breaches;
  std::vector<std::string> faults;  // of which it is about that nobody knows how they are
  WallTime opened_at{};
  std::optional<WallTime> slo_met_at;
  std::optional<WallTime> redundancy_at;
  std::optional<WallTime> closed_at;
  std::string closed_why;
  std::string acked_by;
};

struct StepFacts {
  std::size_t index = 0;
  std::string name;
  std::string kind;
  std::int64_t attempt = 0;
  std::string outcome;
  std::string detail;
  WallTime started_at{};
  std::optional<WallTime> done_at;
};

struct RunFacts {
  std::string id;
  std::string runbook;
  std::string breach;
  std::string incident;
  std::string drill;
  bool dry_run = false;
  std::vector<std::string> targets;  // what it acts on; no two active runs share one
  WallTime started_at{};
  std::optional<WallTime> ended_at;
  std::size_t step = 0;
  std::int64_t attempt = 0;
  bool step_running = false;
  WallTime step_at{};  // when the step was started, or may be started again
  std::string effect;  // of the running step; empty for wait_for
  std::string effect_outcome;
  std::string effect_detail;
  WallTime effect_at{};
  bool stopping = false;           // a step failed that must not
  std::vector<std::string> notes;  // failed and unknown steps
  bool step_failed = false;        // the stopping one, or any unknown
  bool step_unknown = false;
  std::string outcome;  // empty while it runs
  std::string why;
  std::vector<StepFacts> steps;  // every attempt, for people

  bool active() const { return outcome.empty(); }
};

struct Counters {  // the highest number given, by kind of id
  std::int64_t drill = 0, breach = 0, incident = 0, run = 0, fault = 0, effect = 0;
};

struct DayFacts {  // of a drill day; its times are the calendar's
  // kEarly: it was run by a clock that was ahead, and its time is still to come.
  enum class Dealt { kMissed, kRun, kEarly };
  std::string plan;                   // when it comes: another plan is another day
  WallTime since{};                   // it is so planned: what came before was not its time
  std::map<WallTime, Dealt> handled;  // due times dealt with, the newest ones
  std::optional<WallTime> missed;     // a due time that was, since the last run
  std::string missed_why;
};

// Signals of probes and applications of which the inventory does not say whose they are: of the
// node that offered or sent the name first, while its agent offers it.
struct SignalOwners {
  std::map<std::string, std::string> by_name;            // signal -> node
  std::map<std::string, std::set<std::string>> by_node;  // the same, the other way
};

struct State {
  std::int64_t epoch = 0;
  bool running = false;  // started and not stopped in good order
  WallTime started_at{};
  WallTime started_on{};      // the same moment by the calendar, as its clock was then
  WallTime watching_since{};  // started for the first time, or after a stop in good order
  bool halted = false;
  std::string halt_reason;
  std::map<std::string, HaltedNode> halt_nodes;
  bool doubt = false;
  Counters counters;
  std::map<std::string, AgentFacts> agents;
  SignalOwners signals;
  std::map<std::string, std::string> marks;  // service -> degraded; absent: ok
  std::map<std::string, PendingEffect> effects;
  std::map<std::string, FaultFacts> faults;
  std::map<std::string, DrillFacts> drills;
  std::map<std::string, BreachFacts> breaches;
  std::map<std::string, IncidentFacts> incidents;
  std::map<std::string, RunFacts> runs;
  std::map<std::string, DayFacts> drill_days;
  Duration calendar_ahead{0};  // of the machine's clock, before the journal's time

  WallTime calendar(WallTime now) const { return now + calendar_ahead; }

  DrillFacts* active_drill();
  const DrillFacts* active_drill() const;
  bool agent_up(const std::string& node) const;
};

// The fold. Unknown kinds and unknown ids are passed over: a journal may be newer than we are.
void fold(State& state, const Event& event);

// The number in "d-12" or "e-12.9f86d081"; 0 for anything else.
std::int64_t number_of(const std::string& id);

}  // namespace panshi::controller
