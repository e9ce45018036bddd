// SPDX-License-Identifier: Apache-2.0
// Holds: what a fault in force has to itself, so that a second one neither undoes it nor is undone
// by it. In the table of kinds (FaultHold) stands what; here, which targets those are now.
//
// The same processes have many names (a service, a program, a control group, a unit), so processes
// are compared one by one, those that have come since included. Looks, never touches.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agents/faults/fault.h"
#include "agents/faults/fault_journal.h"

namespace panshi::agent {

struct Holds {
  FaultHold what;
  std::vector<std::string> targets;  // "service web", "interface eth0", …
  std::vector<ProcessName> processes;
  std::string called;  // by people, where a target is words of ours: the path of a file
};

// `resolved`: of the undo record; before there is one, {}.
Holds holds_of(const FaultKindSpec& kind, const FaultFacts& facts, const nlohmann::json& resolved,
               Host& host);

// Why the two cannot be in force together, in words about `other`; in either order the same.
std::optional<std::string> clash(const Holds& holds, const Holds& other);

}  // namespace panshi::agent
