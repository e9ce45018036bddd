// SPDX-License-Identifier: Apache-2.0
// History: one seeded life of a controller and its fleet, checked at every step.
//
// Messages lag, get lost and come twice; agents crash and come back; the controller crashes between
// its journal and its effects or after them, and is rebuilt from the journal; people ask for all
// sorts of things. Then the weather clears, and everything must come to its end.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "controller/loop/step.h"
#include "tests/sim/checks.h"
#include "tests/sim/fake_agent.h"
#include "tests/sim/random_catalog.h"

namespace panshi::sim {

struct Tally {  // what happened, to see that histories are not empty
  std::int64_t steps = 0, events = 0, drills = 0, passes = 0, runs = 0, crashes = 0, faults = 0;
};

class History {
 public:
  explicit History(std::uint64_t seed);
  void run();  // throws BrokenPromise
  const Tally& tally() const { return tally_; }
  const std::vector<Event>& journal() const { return journal_; }

 private:
  struct Session {  // the controller's conversation with one agent
    enum class Phase { kCatchUp, kStatus, kFollow } phase = Phase::kCatchUp;
    bool under_way = false;
    bool said_lost = false;
    WallTime last_word{};
    WallTime next_call{};
  };
  struct Cursor {  // durable, with the events
    std::string start_id;
    std::int64_t after = 0;
  };
  using Work = std::function<void()>;
  struct Due {
    WallTime at;
    std::int64_t order;
    Work work;
    bool operator>(const Due& other) const {
      return std::tie(at, order) > std::tie(other.at, other.order);
    }
  };

  void later(Duration delay, Work work);
  Duration lag();
  bool lost() { return weather_ && random_.chance(losses_); }

  void step(const controller::Input& input);
  void carry_out(const controller::Effect& effect);
  void answer(const controller::Effect& effect, const FakeAgent::Answer& said, WallTime at);
  void call(const std::string& node);
  void poll(const std::string& node);
  void fetch_status(const std::string& node);
  void take_poll(const std::string& node, const std::string& start_id,
                 std::vector<FakeAgent::Event> events, controller::AgentEvents told);
  void sessions();
  void mischief();  // crashes and lateness
  void start_agents();
  void people();  // commands
  void crash_controller();
  void start_controller();
  std::vector<controller::AgentEvents::Sample> samples(const std::string& node) const;

  Random random_;
  Catalog catalog_;
  Checks checks_;
  std::optional<controller::World> world_;  // none while the controller is down
  std::int64_t life_ = 0;                   // of the controller: answers to an earlier one are lost
  std::vector<Event> journal_;
  std::map<std::string, FakeAgent> agents_;
  std::map<std::string, Session> sessions_;
  std::map<std::string, Cursor> cursors_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> queue_;
  std::int64_t order_ = 0;
  WallTime now_ = kStart;
  WallTime back_at_{};  // when a crashed controller starts again
  Duration clock_ahead_{0};
  bool weather_ = true;
  unsigned losses_ = 0;        // percent of messages
  unsigned orders_ = 1;        // people's, percent of ticks
  std::uint64_t crashes_ = 0;  // per mille, each tick, of each process
  Tally tally_;
};

}  // namespace panshi::sim
