// SPDX-License-Identifier: Apache-2.0
// What faults on processes have in common: whom a service consists of, in the undo record.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agents/host.h"

namespace panshi::agent {

struct ServiceProcesses {
  ProcessName leader;
  std::vector<ProcessName> all;  // the leader's group, itself included
};

// kRefused when one of them is untouchable.
Result<ServiceProcesses> find_processes(const std::string& service, Host& host);
nlohmann::json to_json(const ServiceProcesses& processes);
ServiceProcesses processes_from(const nlohmann::json& resolved);  // empty ones when malformed

// Of those recorded and those in the group by now, each once.
std::vector<ProcessName> present(const ServiceProcesses& processes, Host& host);

std::string why_no_service(Host& host);  // FaultKind::why_not of kinds that want a service

}  // namespace panshi::agent
