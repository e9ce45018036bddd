// SPDX-License-Identifier: Apache-2.0
// The agent that runs on this machine, asked by a person here: through the Unix socket in its state
// directory, which only its user and root can open. Needs no token, no certificate, no controller.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "agents/config/config.h"
#include "core/base/clock.h"

namespace panshi::agent {

// GET without a body, else POST. Errors: kUnavailable when none answers there, or none runs any
// more (its guardian may be reverting: the message says so), kTimeout with what to do, else what
// the agent says.
Result<nlohmann::json> ask_local_agent(const AgentConfig& config, const std::string& path,
                                       const nlohmann::json& body, Duration timeout);

}  // namespace panshi::agent
