// SPDX-License-Identifier: Apache-2.0
// The ways in which a fault of the matrix comes to its end.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "agents/faults/failpoint.h"
#include "tests/integration/agents/agent/test_agent.h"

namespace panshi::agent {

struct Ending {
  const char* name;
  bool measured;        // by the very agent that put it in force, when it reverts it
  bool revived;         // the guardian starts an agent again
  bool service_starts;  // somebody is left to start a killed service
  std::function<void(TestAgent&, const nlohmann::json& order)> end;
  std::optional<Stage> dies_at = {};
  bool by_lease = false;  // nobody used it meanwhile
};

const std::vector<Ending>& endings();
// One by whom it was put in force, one by the next agent, one by nobody but its guardian.
std::vector<Ending> main_endings();
// The instants at which an agent dies by itself: a kind has a third of them a day, the next kind
// another third, and at night all.
bool has_its_turn(const Ending& ending, std::int64_t kind);

}  // namespace panshi::agent
