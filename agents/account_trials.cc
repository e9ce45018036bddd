// SPDX-License-Identifier: Apache-2.0
#include "agents/account_trials.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "agents/limits.h"
#include "core/base/clock.h"

namespace panshi::agent {
AccountTrials::AccountTrials(Host& host, Told told) : host_(host), told_(std::move(told)) {
  thread_ = std::thread([this] { loop_.run([this] { return turn(); }); });
  ::pthread_setname_np(thread_.native_handle(), "accounts");
}

AccountTrials::~AccountTrials() {
  loop_.end();
  thread_.join();
}

void AccountTrials::note(const std::string& service, bool ready) {
  (void)loop_.post([this, service, ready] { take(service, ready); });
}

void AccountTrials::take(const std::string& service, bool ready) {
  std::erase_if(waiting_, [&](const Trial& trial) { return trial.service == service; });
  if (!ready) return;
  for (const AccountGroup* group : account_groups()) {
    const auto having = group->services(host_);
    if (std::find(having.begin(), having.end(), service) == having.end()) continue;
    if (done_.contains({service, group})) continue;
    waiting_.push_back({service, group, mono_now(), limits::kAccountTriesMax});
  }
}

std::optional<MonoTime> AccountTrials::turn() {
  std::optional<MonoTime> next;
  for (Trial& trial : std::exchange(waiting_, {})) {
    if (loop_.ended()) break;
    if (trial.due <= mono_now() && attempt(trial)) {
      done_.emplace(trial.service, trial.group);
      continue;
    }
    next = next ? std::min(*next, trial.due) : trial.due;
    waiting_.push_back(std::move(trial));
  }
  return next;
}

bool AccountTrials::attempt(Trial& trial) {
  const auto tried = try_account(*trial.group, host_, trial.service);
  if (tried) {
    if (*tried) told_(trial.service, **tried);
    return true;
  }
  if (--trial.tries_left == 0) {
    told_(trial.service, bad_account(*trial.group, trial.service, tried.error()));
    return true;
  }
  trial.due = mono_now() + limits::kAccountAgainAfter;
  return false;
}

}  // namespace panshi::agent
