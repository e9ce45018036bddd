// SPDX-License-Identifier: Apache-2.0
// AccountTrials: tries each account of a service (agents/faults/account.h) when the service is
// ready for the first time, so that what it lacks is told before somebody wants a fault.
//
// Each is told of once in a run of the agent. A server that is not reached is tried again for a
// while: a service without a readiness check may still be starting. Holds up nobody: the thread
// `accounts` is its own.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agents/faults/account.h"
#include "agents/loop.h"

namespace panshi::agent {

class AccountTrials {
 public:
  using Told = std::function<void(const std::string& service, const BadAccount& bad)>;
  // `told` is called on the thread `accounts`. `host` must outlive this.
  AccountTrials(Host& host, Told told);
  ~AccountTrials();  // waits for a try that is under way
  AccountTrials(const AccountTrials&) = delete;
  AccountTrials& operator=(const AccountTrials&) = delete;

  // Any thread: the service became ready, or is not any more.
  void note(const std::string& service, bool ready);

 private:
  struct Trial {
    std::string service;
    const AccountGroup* group;
    MonoTime due;
    int tries_left;
  };
  void take(const std::string& service, bool ready);
  std::optional<MonoTime> turn();
  bool attempt(Trial& trial);  // false: again later

  Host& host_;
  const Told told_;
  std::vector<Trial> waiting_;
  std::set<std::pair<std::string, const AccountGroup*>> done_;
  Loop loop_;
  std::thread thread_;
};

}  // namespace panshi::agent
