// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/lease_book.h"

#include <algorithm>

namespace panshi::agent {

Status LeaseBook::grant(const FaultId& id, Duration term, MonoTime now) {
  if (expiry_.contains(id)) return fail(ErrorCode::kConflict, "fault " + id + " is already live");
  if (term > limits_.term_max)
    return fail(ErrorCode::kRefused, "term is longer than this node allows");
  if (live() >= limits_.live_max)
    return fail(ErrorCode::kRefused, "node has its fill of live faults");
  expiry_.emplace(id, now + term);
  return {};
}

Status LeaseBook::renew(const FaultId& id, Duration term, MonoTime now) {
  if (term > limits_.term_max)
    return fail(ErrorCode::kRefused, "term is longer than this node allows");
  const auto lease = expiry_.find(id);
  if (lease == expiry_.end() || lease->second <= now) {
    return fail(ErrorCode::kNotFound, "fault " + id + " is not live");
  }
  lease->second = now + term;
  return {};
}

std::vector<FaultId> LeaseBook::take_expired(MonoTime now) {
  std::vector<std::pair<MonoTime, FaultId>> due;
  for (const auto& [id, expires] : expiry_) {
    if (expires <= now) due.emplace_back(expires, id);
  }
  std::sort(due.begin(), due.end());

  std::vector<FaultId> ids;
  for (auto& [expires, id] : due) {
    expiry_.erase(id);
    ids.push_back(std::move(id));
  }
  return ids;
}

std::optional<MonoTime> LeaseBook::expiry(const FaultId& id) const {
  const auto lease = expiry_.find(id);
  return lease == expiry_.end() ? std::nullopt : std::optional(lease->second);
}

std::optional<MonoTime> LeaseBook::next_expiry() const {
  std::optional<MonoTime> first;
  for (const auto& [id, expires] : expiry_) {
    if (!first || expires < *first) first = expires;
  }
  return first;
}

}  // namespace panshi::agent
