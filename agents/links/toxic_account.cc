// SPDX-License-Identifier: Apache-2.0
#include "agents/links/toxic_account.h"

#include <algorithm>

namespace panshi::agent {

void ToxicAccount::passed(std::size_t size, Duration took, Duration late) {
  const auto slot = static_cast<std::size_t>(chunks) % kRecentMax;
  if (slot < recent_late.size()) {
    recent_late[slot] = late;
  } else {
    recent_late.push_back(late);
  }
  ++chunks;
  bytes += static_cast<std::int64_t>(size);
  sum += took;
  max = std::max(max, took);
}

ToxicReport ToxicAccount::report() const {
  ToxicReport report{.connections = connections,
                     .touched = touched,
                     .ended = ended,
                     .chunks = chunks,
                     .bytes = bytes,
                     .dropped = dropped,
                     .max = max};
  if (busy > Duration(0)) {
    report.rate = static_cast<std::int64_t>(static_cast<double>(bytes) * 1e6 /
                                            static_cast<double>(busy.count()));
  }
  if (chunks == 0) return report;
  report.mean = sum / chunks;
  auto sorted = recent_late;
  std::sort(sorted.begin(), sorted.end());
  report.late_p99 = sorted[(sorted.size() * 99 + 99) / 100 - 1];
  return report;
}

}  // namespace panshi::agent
