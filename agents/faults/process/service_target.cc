// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/service_target.h"

#include <algorithm>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

nlohmann::json name_json(const ProcessName& name) {
  return {{"pid", name.pid}, {"start_ticks", name.start_ticks}};
}

ProcessName name_from(const nlohmann::json& json) {
  if (!json.is_object()) return {};
  return {.pid = json.value("pid", pid_t{0}), .start_ticks = json.value("start_ticks", 0UL)};
}

}  // namespace

Result<ServiceProcesses> find_processes(const std::string& service, Host& host) {
  ServiceProcesses found;
  ASSIGN_OR_RETURN(found.leader, host.process_of(service));
  found.all = host.group_of(found.leader);
  if (found.all.empty()) {
    return fail(ErrorCode::kUnavailable, cat("service `", service, "` has just ended"));
  }
  const std::vector<pid_t> forbidden = host.untouchable();
  for (const ProcessName& each : found.all) {
    if (each.pid <= 1 || std::find(forbidden.begin(), forbidden.end(), each.pid) != forbidden.end())
      return fail(ErrorCode::kRefused, cat("service `", service, "` has process ", each.pid,
                                           ", which no fault may touch"));
  }
  return found;
}

nlohmann::json to_json(const ServiceProcesses& processes) {
  nlohmann::json all = nlohmann::json::array();
  for (const ProcessName& each : processes.all) all.push_back(name_json(each));
  return {{"leader", name_json(processes.leader)}, {"processes", std::move(all)}};
}

ServiceProcesses processes_from(const nlohmann::json& resolved) {
  ServiceProcesses processes;
  if (!resolved.is_object()) return processes;
  processes.leader = name_from(resolved.value("leader", nlohmann::json()));
  for (const auto& each : resolved.value("processes", nlohmann::json::array())) {
    processes.all.push_back(name_from(each));
  }
  return processes;
}

std::vector<ProcessName> present(const ServiceProcesses& processes, Host& host) {
  std::vector<ProcessName> all = processes.all;
  for (const ProcessName& each : host.group_of(processes.leader)) {
    if (std::find(all.begin(), all.end(), each) == all.end()) all.push_back(each);
  }
  std::erase_if(all, [&](const ProcessName& each) {
    const char state = host.process_state(each);
    return state == 0 || state == 'Z';
  });
  return all;
}

std::string why_no_service(Host& host) {
  return host.services().empty() ? "this node has no services" : "";
}

}  // namespace panshi::agent
