// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/kill.h"

#include <csignal>

#include "agents/faults/process/target_processes.h"
#include "core/base/check.h"

namespace panshi::agent {
namespace {

int signal_number(const std::string& name) {
  if (name == "KILL") return SIGKILL;
  if (name == "TERM") return SIGTERM;
  if (name == "INT") return SIGINT;
  if (name == "HUP") return SIGHUP;
  CHECK_BUG(name == "ABRT");  // read_request() lets nothing else through
  return SIGABRT;
}

class ProcessKill final : public Fault {
 public:
  ProcessKill(const FaultRequest& request, Host& host)
      : request_(request), signal_(signal_number(request.params.at("signal"))), host_(host) {}

  Result<nlohmann::json> resolve() override {
    ASSIGN_OR_RETURN(const TargetProcesses found, find_processes(request_, host_));
    return endable_json(request_, found, host_);
  }

  Status apply(const nlohmann::json& resolved) override {
    return signal_all(processes_from(resolved), signal_, host_);
  }

  Status revert(const nlohmann::json& resolved) override {
    return have_running(request_, resolved, host_);
  }

  nlohmann::json measure(const nlohmann::json& resolved) const override {
    const TargetProcesses processes = processes_from(resolved);
    return {{"processes", processes.all.size()}, {"gone", count_gone(processes, host_)}};
  }

 private:
  const FaultRequest request_;
  const int signal_;
  Host& host_;
};

}  // namespace

std::unique_ptr<Fault> make_process_kill(const FaultRequest& request, Host& host) {
  return std::make_unique<ProcessKill>(request, host);
}

}  // namespace panshi::agent
