// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/pause.h"

#include <algorithm>
#include <csignal>
#include <thread>

#include "agents/faults/process/service_target.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

// A process in uninterruptible sleep takes the signal when it wakes up.
constexpr int kTriesMax = 1000;
constexpr auto kBetweenTries = std::chrono::milliseconds(1);

bool is_stopped(char state) { return state == 'T' || state == 't'; }
bool is_gone(const Status& status) {
  return !status && status.error().code == ErrorCode::kNotFound;
}

class ProcessPause final : public Fault {
 public:
  ProcessPause(const FaultRequest& request, Host& host) : service_(request.target), host_(host) {}

  Result<nlohmann::json> resolve() override {
    ASSIGN_OR_RETURN(const ServiceProcesses found, find_processes(service_, host_));
    return to_json(found);
  }

  // Again until every member is stopped: one may fork while the group is being signalled.
  Status apply(const nlohmann::json& resolved) override {
    const ServiceProcesses processes = processes_from(resolved);
    for (int tries = 0; tries < kTriesMax; ++tries) {
      if (auto sent = host_.signal(processes.leader, SIGSTOP); !sent) return sent;
      if (count(resolved, true) == present(processes, host_).size()) return {};
      std::this_thread::sleep_for(kBetweenTries);
    }
    return fail(ErrorCode::kTimeout, cat("service `", service_, "` did not stop"));
  }

  // The group, and each process by name: the leader may have died meanwhile.
  Status revert(const nlohmann::json& resolved) override {
    const ServiceProcesses processes = processes_from(resolved);
    for (int tries = 0; tries < kTriesMax; ++tries) {
      Status worst = host_.signal(processes.leader, SIGCONT);
      if (is_gone(worst)) worst = {};
      for (const ProcessName& each : present(processes, host_)) {
        auto sent = host_.signal_one(each, SIGCONT);
        if (!sent && !is_gone(sent)) worst = sent;
      }
      if (!worst) return worst;
      if (count(resolved, true) == 0) return {};
      std::this_thread::sleep_for(kBetweenTries);
    }
    return fail(ErrorCode::kTimeout, cat("service `", service_, "` did not go on"));
  }

  nlohmann::json measure(const nlohmann::json& resolved) const override {
    return {{"processes", count(resolved, false)}, {"stopped", count(resolved, true)}};
  }

 private:
  std::size_t count(const nlohmann::json& resolved, bool only_stopped) const {
    const auto all = present(processes_from(resolved), host_);
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const auto& each) {
      return !only_stopped || is_stopped(host_.process_state(each));
    }));
  }

  std::string service_;
  Host& host_;
};

}  // namespace

std::unique_ptr<Fault> make_process_pause(const FaultRequest& request, Host& host) {
  return std::make_unique<ProcessPause>(request, host);
}

}  // namespace panshi::agent
