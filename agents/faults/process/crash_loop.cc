// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/crash_loop.h"

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

#include "agents/faults/process/target_processes.h"

namespace panshi::agent {
namespace {

constexpr auto kBetweenKills = std::chrono::milliseconds(20);

class Killer {
 public:
  Killer(const FaultRequest& request, Host& host)
      : request_(request),
        after_(request.duration("after")),
        times_(request.integer("times")),
        host_(host) {}
  ~Killer() {
    {
      const std::lock_guard lock(mutex_);
      end_ = true;
    }
    ended_.notify_all();
    if (thread_.joinable()) thread_.join();
  }
  Killer(const Killer&) = delete;
  Killer& operator=(const Killer&) = delete;

  // REQUIRES: once.
  Status begin(const TargetProcesses& first) {
    if (auto killed = signal_all(first, SIGKILL, host_); !killed) return killed;
    kills_ = 1;
    thread_ = std::thread([this] { run(); });
    ::pthread_setname_np(thread_.native_handle(), "crash-loop");
    return {};
  }
  std::int64_t kills() const { return kills_; }

 private:
  bool wait(Duration duration) {  // false: it is to end
    std::unique_lock lock(mutex_);
    return !ended_.wait_for(lock, duration, [this] { return end_; });
  }

  // Whom it kills is looked up each time: who is untouchable by then is left alone.
  void run() {
    while (kills_ < times_ && wait(kBetweenKills)) {
      const auto found = find_processes(request_, host_);
      if (!found) continue;
      if (!wait(after_)) return;
      if (signal_all(*found, SIGKILL, host_)) ++kills_;
    }
  }

  const FaultRequest request_;
  const Duration after_;
  const std::int64_t times_;
  Host& host_;
  std::atomic<std::int64_t> kills_ = 0;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::thread thread_;  // last: it uses the others
};

class ProcessCrashLoop final : public Fault {
 public:
  ProcessCrashLoop(const FaultRequest& request, Host& host) : request_(request), host_(host) {}

  Result<nlohmann::json> resolve() override {
    ASSIGN_OR_RETURN(const TargetProcesses found, find_processes(request_, host_));
    return endable_json(request_, found, host_);
  }

  Status apply(const nlohmann::json& resolved) override {
    const auto killer = std::make_shared<Killer>(request_, host_);
    if (auto begun = killer->begin(processes_from(resolved)); !begun) return begun;
    host_.holdings().keep(request_.id, killer);
    return {};
  }

  Status revert(const nlohmann::json& resolved) override {
    host_.holdings().let_go(request_.id);
    return have_running(request_, resolved, host_);
  }

  nlohmann::json measure(const nlohmann::json&) const override {
    const auto killer = host_.holdings().get<Killer>(request_.id);
    return {{"kills", killer ? killer->kills() : 0}};
  }

 private:
  const FaultRequest request_;
  Host& host_;
};

}  // namespace

std::unique_ptr<Fault> make_process_crash_loop(const FaultRequest& request, Host& host) {
  return std::make_unique<ProcessCrashLoop>(request, host);
}

}  // namespace panshi::agent
