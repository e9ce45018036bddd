// SPDX-License-Identifier: Apache-2.0
// FakeAgent: a node's agent in simulated time. Its leases really expire, it remembers ids, refuses
// lower epochs, can crash and come back; its faults and links are the truth that checks look at.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/world/protocol.h"
#include "core/base/random.h"

namespace panshi::sim {

struct FakeFault {
  std::string kind;
  nlohmann::json target;
  std::string drill;
  std::string state;  // live | reverted | failed
  WallTime lease_until{};
  WallTime live_since{};
  nlohmann::json measured;  // most show an effect
  bool was_live = false;
  std::string reason = {};  // it ended
  WallTime ended_at{};
};

struct FakeAction {
  nlohmann::json body;
  std::string state;  // running | ok | failed
  WallTime done_at{};
};

class FakeAgent {
 public:
  struct Event {
    std::int64_t seq;
    controller::AgentEvents::Item item;
  };
  struct Answer {
    std::string outcome;
    std::string detail;
    nlohmann::json result = nlohmann::json::object();
  };

  FakeAgent(std::string name_in, std::vector<std::string> services_in, Random random)
      : name(std::move(name_in)), services(std::move(services_in)), random_(random) {}

  void tick(WallTime now);  // leases and actions
  Answer handle(const controller::Effect& effect, std::int64_t epoch, WallTime now);
  void renew(const std::vector<std::string>& ids, Duration lease, std::int64_t epoch, WallTime now);
  nlohmann::json status(WallTime now) const;
  void crash(WallTime now);  // its guardian reverts everything
  void start(WallTime now);

  bool is_broken(const std::string& service) const;  // by a live fault

  std::string name;
  std::vector<std::string> services;
  bool alive = true;
  std::int64_t starts = 1;
  std::int64_t epoch = 0;
  std::map<std::string, FakeFault> faults;
  std::map<std::string, FakeAction> actions;
  std::map<std::string, std::string> routes;  // link -> upstream
  std::deque<Event> events;                   // of this run

 private:
  void tell(WallTime at, std::string kind, nlohmann::json data);
  Answer put_fault(const controller::Effect& effect, WallTime now);
  Answer put_action(const controller::Effect& effect, WallTime now);
  void revert(const std::string& id, const char* reason, WallTime now);
  void end(FakeFault& fault, const char* reason, WallTime now);
  nlohmann::json fault_json(const std::string& id, WallTime now) const;
  nlohmann::json action_json(const std::string& id) const;

  Random random_;
  std::int64_t seq_ = 0;
};

}  // namespace panshi::sim
