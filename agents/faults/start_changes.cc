// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/start_changes.h"

#include "core/base/text.h"

namespace panshi::agent {

void StartChanges::refuse(const std::string& service, std::string why) {
  const std::lock_guard lock(mutex_);
  refused_[service] = std::move(why);
}

Status StartChanges::may_change(const std::string& service) const {
  const std::lock_guard lock(mutex_);
  const auto refused = refused_.find(service);
  if (refused == refused_.end()) return {};
  return fail(ErrorCode::kRefused, cat("service `", service, "`: ", refused->second));
}

Status StartChanges::add(const std::string& service, StartChange change) {
  const std::lock_guard lock(mutex_);
  const auto found = by_service_.find(service);
  if (found != by_service_.end() && found->second.change.fault != change.fault) {
    return fail(ErrorCode::kConflict, cat("fault ", found->second.change.fault,
                                          " changes how service `", service, "` is started"));
  }
  by_service_[service] = {.change = std::move(change), .starts = 0};
  return {};
}

void StartChanges::remove(const std::string& fault) {
  const std::lock_guard lock(mutex_);
  std::erase_if(by_service_, [&](const auto& each) { return each.second.change.fault == fault; });
}

std::optional<StartChange> StartChanges::take(const std::string& service) {
  const std::lock_guard lock(mutex_);
  const auto found = by_service_.find(service);
  if (found == by_service_.end()) return std::nullopt;
  ++found->second.starts;
  return found->second.change;
}

int StartChanges::starts(const std::string& fault) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [service, kept] : by_service_) {
    if (kept.change.fault == fault) return kept.starts;
  }
  return 0;
}

std::vector<std::pair<std::string, std::string>> StartChanges::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& [service, kept] : by_service_) all.emplace_back(service, kept.change.fault);
  return all;
}

std::size_t StartChanges::size() const {
  const std::lock_guard lock(mutex_);
  return by_service_.size();
}

}  // namespace panshi::agent
