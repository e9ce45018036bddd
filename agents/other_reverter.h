// SPDX-License-Identifier: Apache-2.0
// Who else on this machine reverts the faults of this node's agent at the moment: its guardian
// after the agent died, or a `revert-all` of somebody. It holds the state, and answers nobody.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "agents/config/config.h"

namespace panshi::agent {

struct OtherReverter {
  pid_t pid = 0;
  bool is_guardian = false;
  std::string since;              // "2026-12-01 03:12:09 UTC"; "" when it ended meanwhile
  std::vector<std::string> left;  // faults whose undo records are there still

  // "the guardian of the agent that ran here (process 7) has been reverting since …; not over: f-1"
  std::string text() const;
};

std::optional<OtherReverter> other_reverter(const AgentConfig& config);

// The agent's guardian lives, and will hold the state as soon as it has seen that the agent ended.
bool guardian_lives(const AgentConfig& config);

}  // namespace panshi::agent
