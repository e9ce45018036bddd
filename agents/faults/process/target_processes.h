// SPDX-License-Identifier: Apache-2.0
// What faults on processes have in common: what they break, in the undo record.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agents/faults/fault.h"
#include "agents/host/process_choice.h"

namespace panshi::agent {

struct TargetProcesses {
  std::vector<ProcessName> all;
  ProcessName leader;    // of a service: its group is in `all`, itself included; pid 0 otherwise
  ProcessChoice choice;  // no service: what they were chosen by
  std::vector<ProcessName> left_alone;  // no service: stopped by somebody else before

  bool of_service() const { return leader.pid != 0; }
};

// No more may be chosen at once: a name that fits hundreds is most likely a mistake.
inline constexpr std::size_t kChosenMax = 64;

// kRefused when one of them is untouchable, kNotFound when there is none.
Result<TargetProcesses> find_processes(const std::string& service, Host& host);
Result<TargetProcesses> find_processes(const FaultRequest& request, Host& host);
// Of those that were chosen: who is stopped was stopped by somebody else, and is not to be let go
// on by us. kConflict: that is everybody.
Status leave_stopped_alone(TargetProcesses& processes, Host& host);
nlohmann::json to_json(const TargetProcesses& processes);
TargetProcesses processes_from(const nlohmann::json& resolved);  // empty ones when malformed

// Of those recorded and those that belong to them by now, each once, but for those left alone.
std::vector<ProcessName> present(const TargetProcesses& processes, Host& host);

// To every one that is present. kNotFound: there is none.
Status signal_all(const TargetProcesses& processes, int signal, Host& host);

// How many of those recorded have ended.
std::size_t count_gone(const TargetProcesses& processes, Host& host);

// Undo of what ended processes: a service or a unit runs again, unless somebody had it stopped on
// purpose since; who is chosen otherwise is started by whoever did before. Safe from any process.
Status have_running(const FaultRequest& request, const nlohmann::json& resolved, Host& host);
// What have_running() must know, for the undo record.
nlohmann::json endable_json(const FaultRequest& request, const TargetProcesses& processes,
                            Host& host);

std::string why_no_service(Host& host);  // FaultKind::why_not of kinds that want a service

}  // namespace panshi::agent
