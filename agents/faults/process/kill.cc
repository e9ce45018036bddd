// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/kill.h"

#include <csignal>

#include "agents/faults/process/service_target.h"
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
      : service_(request.target),
        signal_(signal_number(request.params.at("signal"))),
        host_(host) {}

  Result<nlohmann::json> resolve() override {
    ASSIGN_OR_RETURN(const ServiceProcesses found, find_processes(service_, host_));
    return to_json(found);
  }

  Status apply(const nlohmann::json& resolved) override {
    return host_.signal(processes_from(resolved).leader, signal_);
  }

  Status revert(const nlohmann::json&) override {
    auto running = host_.ensure_running(service_);
    // Nobody supervises here (guardian, revert-all): the next agent starts its services anyway.
    if (!running && running.error().code == ErrorCode::kUnavailable) return {};
    return running;
  }

  nlohmann::json measure(const nlohmann::json& resolved) const override {
    const ServiceProcesses processes = processes_from(resolved);
    std::size_t gone = 0;
    for (const ProcessName& each : processes.all) {
      const char state = host_.process_state(each);
      if (state == 0 || state == 'Z') ++gone;
    }
    return {{"processes", processes.all.size()}, {"gone", gone}};
  }

 private:
  std::string service_;
  int signal_;
  Host& host_;
};

}  // namespace

std::unique_ptr<Fault> make_process_kill(const FaultRequest& request, Host& host) {
  return std::make_unique<ProcessKill>(request, host);
}

}  // namespace panshi::agent
