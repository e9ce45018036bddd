// SPDX-License-Identifier: Apache-2.0
// Checks: the promises, looked at after every step of a history. A broken one throws.
#pragma once

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "controller/world/protocol.h"
#include "core/model/catalog.h"
#include "tests/sim/fake_agent.h"

namespace panshi::sim {

struct BrokenPromise : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Checks {
 public:
  explicit Checks(const Catalog& catalog) : catalog_(catalog) {}

  // What one step gave out, in the order of the journal.
  void stepped(const controller::Stepped& out, WallTime now);
  // The truth at the agents. `slack`: the longest a message may take, there and back.
  void agents(const std::map<std::string, FakeAgent>& agents, Duration slack, WallTime now);
  // Everything had the time to come to its end.
  void at_end(const std::map<std::string, FakeAgent>& agents) const;

 private:
  struct Run {
    std::string runbook;
    std::vector<std::string> targets;
    std::set<std::int64_t> not_again;  // steps of unknown outcome that are not idempotent
  };
  void event(const Event& event, WallTime now);
  void run_started(const Event& event);
  void step_event(const Event& event);
  void drill_done(const Event& event);
  void effect_shown(const Event& event);
  void schedule_event(const Event& event);
  void effect_event(const Event& event);

  const Catalog& catalog_;
  std::set<std::string> intended_;                       // effect ids, ever
  std::map<std::string, std::string> pending_;           // effect -> kind
  std::map<std::string, Run> runs_;                      // active ones
  std::map<std::string, std::vector<WallTime>> starts_;  // runbook -> starts
  std::map<std::string, WallTime> ends_;                 // runbook -> newest end
  std::map<std::string, std::int64_t> targets_max_;      // drill
  std::map<std::string, Duration> terms_;                // fault
  std::map<std::string, std::set<std::string>> clouds_;  // drill -> what is not known about it
  std::map<std::string, std::string> fault_of_effect_;
  using Due = std::pair<std::string, std::int64_t>;  // drill day, time
  std::set<Due> dues_;                               // dealt with; not those that come again
  std::set<Due> run_;
  std::set<std::string> shown_;                 // faults that had an effect
  std::map<std::string, Event> reverted_;       // fault -> its end in the journal
  std::set<std::string> told_live_;             // faults
  std::map<std::string, std::string> injects_;  // effect -> fault
  std::string active_drill_;
  bool halted_ = false;
  bool doubt_ = false;
};

}  // namespace panshi::sim
