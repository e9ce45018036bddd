// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/pause.h"

#include <algorithm>
#include <csignal>
#include <thread>

#include "agents/faults/process/target_processes.h"
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
  ProcessPause(const FaultRequest& request, Host& host) : request_(request), host_(host) {}

  Result<nlohmann::json> resolve() override {
    ASSIGN_OR_RETURN(TargetProcesses found, find_processes(request_, host_));
    if (auto some = leave_stopped_alone(found, host_); !some) return fail(some.error(), what());
    return to_json(found);
  }

  // Again until every member is stopped: one may fork while the group is being signalled.
  Status apply(const nlohmann::json& resolved) override {
    const TargetProcesses processes = processes_from(resolved);
    for (int tries = 0; tries < kTriesMax; ++tries) {
      if (auto sent = signal_all(processes, SIGSTOP, host_); !sent) return sent;
      if (count(resolved, true) == present(processes, host_).size()) return {};
      std::this_thread::sleep_for(kBetweenTries);
    }
    return fail(ErrorCode::kTimeout, cat(what(), " did not stop"));
  }

  // The group, and each process by name: the leader may have died meanwhile.
  Status revert(const nlohmann::json& resolved) override {
    const TargetProcesses processes = processes_from(resolved);
    for (int tries = 0; tries < kTriesMax; ++tries) {
      Status worst = signal_all(processes, SIGCONT, host_);
      if (is_gone(worst)) worst = {};
      for (const ProcessName& each : present(processes, host_)) {
        auto sent = host_.signal_one(each, SIGCONT);
        if (!sent && !is_gone(sent)) worst = sent;
      }
      if (!worst) return worst;
      if (count(resolved, true) == 0) return {};
      std::this_thread::sleep_for(kBetweenTries);
    }
    return fail(ErrorCode::kTimeout, cat(what(), " did not go on"));
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

  std::string what() const { return cat(request_.target_key, " `", request_.target, "`"); }

  const FaultRequest request_;
  Host& host_;
};

}  // namespace

std::unique_ptr<Fault> make_process_pause(const FaultRequest& request, Host& host) {
  return std::make_unique<ProcessPause>(request, host);
}

}  // namespace panshi::agent
