// SPDX-License-Identifier: Apache-2.0
// StartChanges: how faults have the supervisor start a service otherwise than configured: with more
// in its environment, or another program in its place.
//
// It ends with the process: an agent that comes back starts its services as configured. What was
// started changed carries the fault's mark, so that it is found and ended from any process
// (Machine::helpers(), Machine::end_helpers()). Any thread.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"

namespace panshi::agent {

struct StartChange {
  std::string fault;
  std::vector<std::string> command = {};        // empty: the service's own
  std::map<std::string, std::string> env = {};  // added to the service's own
};

class StartChanges {
 public:
  // From now on nobody can change how `service` starts. Before any add().
  void refuse(const std::string& service, std::string why);
  Status may_change(const std::string& service) const;  // kRefused: nobody can
  // kConflict: another fault changes how this service starts.
  Status add(const std::string& service, StartChange change);
  void remove(const std::string& fault);  // none: no error
  // For a start that is about to happen, which is counted.
  std::optional<StartChange> take(const std::string& service);
  int starts(const std::string& fault) const;                    // taken so far
  std::vector<std::pair<std::string, std::string>> all() const;  // service, fault
  std::size_t size() const;

 private:
  struct Kept {
    StartChange change;
    int starts = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Kept> by_service_;
  std::map<std::string, std::string> refused_;  // why
};

}  // namespace panshi::agent
