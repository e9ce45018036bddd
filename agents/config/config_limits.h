// SPDX-License-Identifier: Apache-2.0
// The reader of `limits` in an agent's configuration: what bounds its faults.
#pragma once

#include "agents/config/config.h"
#include "core/json/problems.h"

namespace panshi::agent {

void read_limits(const nlohmann::json& bounds, AgentConfig& config, Problems& problems);

}  // namespace panshi::agent
