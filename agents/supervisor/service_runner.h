// SPDX-License-Identifier: Apache-2.0
// ServiceRunner: carries out what the Supervisor decides: launches, signals, records.
//
// A unit of systemd is started, stopped and asked for by `systemctl`, and watched like a process of
// our own. A launched process is recorded durably before it counts as running; what an earlier run
// of the agent left running is adopted, never started twice. When the leader of a service's group
// has ended, what is left of its group is killed. Thread `loop`; exits arrive on the thread
// `process` and are handed on.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agents/config/config.h"
#include "agents/faults/start_changes.h"
#include "agents/supervisor/service_cgroups.h"
#include "agents/supervisor/service_files.h"
#include "agents/supervisor/supervisor.h"
#include "core/io/process.h"

namespace panshi::agent {

// PATH, HOME, LANG, TZ and USER of the agent, and PANSHI_NODE and PANSHI_STATE.
std::map<std::string, std::string> base_environment(const AgentConfig& config);

class ServiceRunner {
 public:
  using OnExit = std::function<void(input::Exited)>;  // on the thread `process`

  // All must outlive this, and `processes` must be gone before `on_exit` is.
  ServiceRunner(const AgentConfig& config, const ServiceFiles& files, StartChanges& changes,
                ProcessRunner& processes, OnExit on_exit);
  ~ServiceRunner() { cgroups_.remove_all(); }
  ServiceRunner(const ServiceRunner&) = delete;
  ServiceRunner& operator=(const ServiceRunner&) = delete;

  // Inputs to give before Begin: what is prepared, what runs. A prepare command that outlived its
  // agent is killed first: its outcome can no longer be known, so it will be run again.
  std::vector<SupervisorInput> recover();

  SupervisorInput launch(const output::Launch& launch);
  void signal(const output::Signal& signal);
  void mark_prepared(const std::string& service);
  void mark_ready(const std::string& service, const ProcessName& process);

 private:
  // A unit's main process, which the step before has asked systemd for.
  SupervisorInput take_unit(const ServiceConfig& service);
  // An error: a secret of its environment cannot be read.
  Result<ProcessSpec> spec_of(const ServiceConfig& service, std::optional<std::size_t> prepare);
  void tell_systemd(const ServiceConfig& service, int signal);
  std::optional<ServiceRecord> find_running(const std::string& service,
                                            const std::vector<FoundProcess>& started) const;
  void change(const std::string& service, ProcessSpec& spec);
  ProcessRunner::OnExit exit_handler(std::string service, ProcessName process);

  const AgentConfig& config_;
  const ServiceFiles& files_;
  StartChanges& changes_;
  ProcessRunner& processes_;
  OnExit on_exit_;
  ServiceCgroups cgroups_;
};

}  // namespace panshi::agent
