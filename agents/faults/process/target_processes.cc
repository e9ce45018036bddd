// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/target_processes.h"

#include <algorithm>

#include "agents/faults/process/restarted.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

json name_json(const ProcessName& name) {
  return {{"pid", name.pid}, {"start_ticks", name.start_ticks}};
}

ProcessName name_from(const json& name) {
  if (!name.is_object()) return {};
  return {.pid = name.value("pid", pid_t{0}), .start_ticks = name.value("start_ticks", 0UL)};
}

json names_json(const std::vector<ProcessName>& names) {
  json all = json::array();
  for (const ProcessName& each : names) all.push_back(name_json(each));
  return all;
}

std::vector<ProcessName> names_from(const json& object, const char* key) {
  std::vector<ProcessName> names;
  for (const auto& each : object.value(key, json::array())) names.push_back(name_from(each));
  return names;
}

bool contains(const std::vector<ProcessName>& names, const ProcessName& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_gone(char state) { return state == 0 || state == 'Z'; }

Status check_touchable(const std::string& target, const std::vector<ProcessName>& all, Host& host) {
  const std::vector<pid_t> forbidden = host.untouchable();
  for (const ProcessName& each : all) {
    if (each.pid > 1 &&
        std::find(forbidden.begin(), forbidden.end(), each.pid) == forbidden.end()) {
      continue;
    }
    return fail(ErrorCode::kRefused,
                cat(target, " has process ", each.pid, ", which no fault may touch"));
  }
  return {};
}

Result<ProcessChoice> choice_of(const FaultRequest& request, Host& host) {
  if (request.target_key == "process") return ProcessChoice{.process = request.target};
  if (request.target_key == "cgroup") return ProcessChoice{.cgroup = request.target};
  ASSIGN_OR_RETURN(std::string cgroup, host.machine().cgroup_of_unit(request.target));
  return ProcessChoice{.cgroup = std::move(cgroup)};
}

Result<TargetProcesses> find_chosen(const FaultRequest& request, Host& host) {
  TargetProcesses found;
  ASSIGN_OR_RETURN(found.choice, choice_of(request, host));
  ASSIGN_OR_RETURN(found.all, host.machine().processes(found.choice));
  const std::string target = cat(request.target_key, " `", request.target, "`");
  if (found.all.empty()) {
    return fail(ErrorCode::kNotFound, cat(target, ": no such process runs here"));
  }
  if (found.all.size() > kChosenMax) {
    return fail(ErrorCode::kRefused, cat(target, " means ", found.all.size(),
                                         " processes; at most ", kChosenMax, " at once"));
  }
  if (auto fine = check_touchable(target, found.all, host); !fine) {
    return tl::unexpected<Error>(fine.error());
  }
  return found;
}

// Who came since may be one that would have had the fault refused.
std::vector<ProcessName> members_now(const TargetProcesses& processes, Host& host) {
  if (processes.of_service()) return host.group_of(processes.leader);
  auto chosen = host.machine().processes(processes.choice);
  if (!chosen) return {};  // as recorded, then
  const std::vector<pid_t> forbidden = host.untouchable();
  std::erase_if(*chosen, [&](const ProcessName& each) {
    return std::find(forbidden.begin(), forbidden.end(), each.pid) != forbidden.end();
  });
  return std::move(*chosen);
}

}  // namespace

Result<TargetProcesses> find_processes(const std::string& service, Host& host) {
  TargetProcesses found;
  ASSIGN_OR_RETURN(found.leader, host.process_of(service));
  found.all = host.group_of(found.leader);
  if (found.all.empty()) {
    return fail(ErrorCode::kUnavailable, cat("service `", service, "` has just ended"));
  }
  if (auto fine = check_touchable(cat("service `", service, "`"), found.all, host); !fine) {
    return tl::unexpected<Error>(fine.error());
  }
  return found;
}

Result<TargetProcesses> find_processes(const FaultRequest& request, Host& host) {
  if (request.target_key == "service") return find_processes(request.target, host);
  return find_chosen(request, host);
}

Status leave_stopped_alone(TargetProcesses& processes, Host& host) {
  if (processes.of_service()) return {};
  for (const ProcessName& each : processes.all) {
    const char state = host.process_state(each);
    if (state == 'T' || state == 't') processes.left_alone.push_back(each);
  }
  std::erase_if(processes.all,
                [&](const auto& each) { return contains(processes.left_alone, each); });
  if (!processes.all.empty()) return {};
  return fail(ErrorCode::kConflict, "every process of it is stopped already");
}

json to_json(const TargetProcesses& processes) {
  json record = {{"leader", name_json(processes.leader)}, {"processes", names_json(processes.all)}};
  if (processes.of_service()) return record;
  record["choice"] = {{"process", processes.choice.process}, {"cgroup", processes.choice.cgroup}};
  record["left_alone"] = names_json(processes.left_alone);
  return record;
}

TargetProcesses processes_from(const json& resolved) {
  TargetProcesses processes;
  if (!resolved.is_object()) return processes;
  processes.leader = name_from(resolved.value("leader", json()));
  processes.all = names_from(resolved, "processes");
  processes.left_alone = names_from(resolved, "left_alone");
  if (const auto choice = resolved.find("choice"); choice != resolved.end()) {
    processes.choice = {.process = choice->value("process", ""),
                        .cgroup = choice->value("cgroup", "")};
  }
  return processes;
}

std::vector<ProcessName> present(const TargetProcesses& processes, Host& host) {
  std::vector<ProcessName> all = processes.all;
  for (const ProcessName& each : members_now(processes, host)) {
    if (!contains(all, each) && !contains(processes.left_alone, each)) all.push_back(each);
  }
  std::erase_if(all, [&](const auto& each) { return is_gone(host.process_state(each)); });
  return all;
}

Status signal_all(const TargetProcesses& processes, int signal, Host& host) {
  if (processes.of_service()) return host.signal(processes.leader, signal);
  Status worst = fail(ErrorCode::kNotFound, "every process of it is gone");
  for (const ProcessName& each : present(processes, host)) {
    auto sent = host.signal_one(each, signal);
    if (sent && !worst && worst.error().code == ErrorCode::kNotFound) worst = {};
    if (!sent && sent.error().code != ErrorCode::kNotFound) worst = std::move(sent);
  }
  return worst;
}

std::size_t count_gone(const TargetProcesses& processes, Host& host) {
  return static_cast<std::size_t>(
      std::count_if(processes.all.begin(), processes.all.end(),
                    [&](const auto& each) { return is_gone(host.process_state(each)); }));
}

json endable_json(const FaultRequest& request, const TargetProcesses& processes, Host& host) {
  json resolved = to_json(processes);
  if (request.target_key != "unit") return resolved;
  const auto state = host.machine().unit_state(request.target);
  resolved["run"] = state ? state->invocation : std::string();
  return resolved;
}

Status have_running(const FaultRequest& request, const json& resolved, Host& host) {
  if (request.target_key == "service") return have_running(request.target, host);
  if (request.target_key != "unit") return {};
  const auto state = host.machine().unit_state(request.target);
  const std::string run = resolved.value("run", std::string());
  // A run that ended well, and that is not the one which the fault ended: somebody stopped it.
  const bool on_purpose = state && state->active == "inactive" && !run.empty() &&
                          !state->invocation.empty() && state->invocation != run;
  return on_purpose ? Status() : host.machine().start_unit(request.target);
}

std::string why_no_service(Host& host) {
  return host.services().empty() ? "this node has no services" : "";
}

}  // namespace panshi::agent
