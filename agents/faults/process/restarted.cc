// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/restarted.h"

#include <algorithm>
#include <csignal>
#include <thread>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr auto kBetweenLooks = std::chrono::milliseconds(2);
constexpr int kLooksMax = kRestartMaxSeconds * 1'000 / 2;
constexpr int kEndLooksMax = 3'000 / 2;  // before it is killed

bool is_gone(const ProcessName& process, Host& host) {
  const char state = host.process_state(process);
  return state == 0 || state == 'Z';
}

}  // namespace

Status restart_service(const std::string& service, const ProcessName& leader, bool until_up,
                       Host& host) {
  if (auto asked = host.restart(service); !asked) return asked;
  for (int looks = 0; looks < kLooksMax; ++looks) {
    if (is_gone(leader, host)) {
      const auto now = host.process_of(service);
      if (!until_up || (now && *now != leader)) return {};
    }
    std::this_thread::sleep_for(kBetweenLooks);
  }
  return fail(ErrorCode::kTimeout,
              cat("service `", service, "` was not restarted within ", kRestartMaxSeconds, " s"));
}

// Asked first: what the fault started is the service itself, which may have something to save.
Status end_changed_start(const std::string& service, const std::string& fault, Host& host) {
  host.starts().remove(fault);
  const auto marked = host.machine().helpers();
  if (std::find(marked.begin(), marked.end(), fault) != marked.end()) {
    if (const auto leader = host.process_of(service)) {
      (void)host.signal(*leader, SIGTERM);
      (void)host.signal(*leader, SIGCONT);
      for (int looks = 0; looks < kEndLooksMax && !is_gone(*leader, host); ++looks) {
        std::this_thread::sleep_for(kBetweenLooks);
      }
    }
    if (auto ended = host.machine().end_helpers(fault); !ended) return ended;
  }
  return have_running(service, host);
}

Status have_running(const std::string& service, Host& host) {
  auto running = host.ensure_running(service);
  if (!running && running.error().code == ErrorCode::kUnavailable) return {};
  return running;
}

}  // namespace panshi::agent
