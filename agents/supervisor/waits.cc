// SPDX-License-Identifier: Apache-2.0
#include "agents/supervisor/waits.h"

#include <algorithm>

#include "core/base/text.h"

namespace panshi::agent {

void ServiceWaits::add(const ServiceView& before, input::Verb verb, MonoTime deadline, Done done) {
  const bool another = verb == input::Verb::kRestart && before.state == ServiceState::kReady;
  waits_.push_back({before.name, verb, another ? before.starts + 1 : 0, deadline, std::move(done)});
}

void ServiceWaits::look(const std::vector<ServiceView>& services, MonoTime now) {
  std::vector<std::pair<Done, Status>> ended;
  std::erase_if(waits_, [&](Wait& wait) {
    const auto service =
        std::find_if(services.begin(), services.end(),
                     [&](const ServiceView& item) { return item.name == wait.service; });
    auto status = outcome(wait, *service, now);
    if (!status) return false;
    ended.emplace_back(std::move(wait.done), std::move(*status));
    return true;
  });
  for (const auto& [done, status] : ended) done(status);
}

std::optional<MonoTime> ServiceWaits::next_deadline() const {
  std::optional<MonoTime> first;
  for (const Wait& wait : waits_) {
    if (!first || wait.deadline < *first) first = wait.deadline;
  }
  return first;
}

void ServiceWaits::give_up(const std::string& why) {
  for (const Wait& wait : std::exchange(waits_, {})) {
    wait.done(fail(ErrorCode::kUnavailable, why));
  }
}

std::optional<Status> ServiceWaits::outcome(const Wait& wait, const ServiceView& service,
                                            MonoTime now) {
  const bool stopped =
      service.state == ServiceState::kStopped || service.state == ServiceState::kGaveUp;
  if (wait.verb == input::Verb::kStop) {
    if (stopped && !service.wanted) return Status();
    if (service.wanted) return fail(ErrorCode::kConflict, "it was started again meanwhile");
  } else {
    if (service.state == ServiceState::kReady && service.starts >= wait.starts_min) {
      return Status();
    }
    if (service.state == ServiceState::kGaveUp) {
      return fail(ErrorCode::kInternal, cat("given up: ", service.why));
    }
    if (!service.wanted) return fail(ErrorCode::kConflict, "it was stopped meanwhile");
  }
  if (now < wait.deadline) return std::nullopt;
  return fail(ErrorCode::kTimeout,
              cat("still ", to_text(service.state), service.why.empty() ? "" : ": ", service.why));
}

}  // namespace panshi::agent
