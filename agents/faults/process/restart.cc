// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/restart.h"

#include "agents/faults/process/restarted.h"
#include "agents/faults/process/target_processes.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

nlohmann::json gone_json(const TargetProcesses& processes, Host& host) {
  return {{"processes", processes.all.size()}, {"gone", count_gone(processes, host)}};
}

class ProcessRestart final : public Fault {
 public:
  ProcessRestart(const FaultRequest& request, Host& host) : request_(request), host_(host) {}

  Result<nlohmann::json> resolve() override {
    ASSIGN_OR_RETURN(const TargetProcesses found, find_processes(request_, host_));
    return endable_json(request_, found, host_);
  }
  Status apply(const nlohmann::json& resolved) override {
    if (request_.target_key == "unit") return host_.machine().restart_unit(request_.target);
    return restart_service(request_.target, processes_from(resolved).leader, true, host_);
  }
  Status revert(const nlohmann::json& resolved) override {
    return have_running(request_, resolved, host_);
  }
  nlohmann::json measure(const nlohmann::json& resolved) const override {
    return gone_json(processes_from(resolved), host_);
  }

 private:
  const FaultRequest request_;
  Host& host_;
};

// A program in the service's place that ends with the code: what the supervisor, its policy and
// whoever watches see is what they would see of a service that cannot start.
class ProcessExitCode final : public Fault {
 public:
  ProcessExitCode(const FaultRequest& request, Host& host) : request_(request), host_(host) {}

  Result<nlohmann::json> resolve() override {
    if (auto may = host_.starts().may_change(request_.target); !may) {
      return tl::unexpected(may.error());
    }
    ASSIGN_OR_RETURN(const TargetProcesses found, find_processes(request_.target, host_));
    return to_json(found);
  }
  Status apply(const nlohmann::json& resolved) override {
    StartChange change{
        .fault = request_.id,
        .command = {"/bin/sh", "-c", cat("exit ", request_.integer("code"))},
    };
    if (auto added = host_.starts().add(request_.target, std::move(change)); !added) return added;
    return restart_service(request_.target, processes_from(resolved).leader, false, host_);
  }
  Status revert(const nlohmann::json&) override {
    return end_changed_start(request_.target, request_.id, host_);
  }
  nlohmann::json measure(const nlohmann::json& resolved) const override {
    nlohmann::json measured = gone_json(processes_from(resolved), host_);
    measured["starts"] = host_.starts().starts(request_.id);
    return measured;
  }

 private:
  const FaultRequest request_;
  Host& host_;
};

}  // namespace

std::unique_ptr<Fault> make_process_restart(const FaultRequest& request, Host& host) {
  return std::make_unique<ProcessRestart>(request, host);
}
std::unique_ptr<Fault> make_process_exit_code(const FaultRequest& request, Host& host) {
  return std::make_unique<ProcessExitCode>(request, host);
}

}  // namespace panshi::agent
