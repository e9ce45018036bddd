// SPDX-License-Identifier: Apache-2.0
// Who may do what at this agent: its controllers (by certificate, or by agent.token) all, whoever
// has revert.token may look and revert, and who is at its Unix socket all.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "agents/config/config.h"
#include "core/access/access.h"

namespace panshi::agent {

struct AgentAccess {
  std::shared_ptr<AuditLog> audit;
  std::shared_ptr<Access> door;       // of the API
  std::shared_ptr<Access> toxiproxy;  // of Toxiproxy's, whose clients have no token
};
// Makes the tokens in the state directory when they are not there.
Result<AgentAccess> open_access(const AgentConfig& config);

// Into the agent's own log: what came into force and what ended, whoever asked for it.
void log_fault(const std::string& kind, const nlohmann::json& event);

}  // namespace panshi::agent
