// SPDX-License-Identifier: Apache-2.0
#include "platform/customers/window.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace panshi::shop {
namespace {

// Nearest rank; 0 without values.
double p95_ms(std::vector<Duration> values) {
  if (values.empty()) return 0;
  const std::size_t rank = (values.size() * 95 + 99) / 100 - 1;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(values.begin(), at, values.end());
  return static_cast<double>(at->count()) / 1000;
}

}  // namespace

template <class Entries>
void Window::forget_old(Entries& entries, MonoTime now) const {
  while (!entries.empty() &&
         (entries.front().at <= now - options_.span || entries.size() > options_.entries_max)) {
    entries.pop_front();
  }
}

void Window::arrived(std::uint64_t id, MonoTime intended) {
  unacknowledged_.emplace(id, intended);
  arrivals_.push_back({intended, {}});
  forget_old(arrivals_, intended);
}

void Window::dropped(MonoTime now) {
  arrivals_.push_back({now, {}});
  ends_.push_back({now, false});
  forget_old(arrivals_, now);
  forget_old(ends_, now);
}

void Window::acknowledged(std::uint64_t id, MonoTime now) {
  const auto found = unacknowledged_.find(id);
  if (found == unacknowledged_.end()) return;
  checkouts_.push_back({now, now - found->second});
  unacknowledged_.erase(found);
  undelivered_.emplace(id, now);
  forget_old(checkouts_, now);
}

void Window::ended(std::uint64_t id, Ending ending, MonoTime now) {
  unacknowledged_.erase(id);
  if (const auto paid = undelivered_.find(id); paid != undelivered_.end()) {
    deliveries_.push_back({now, now - paid->second});
    undelivered_.erase(paid);
    forget_old(deliveries_, now);
  }
  if (ending == Ending::kTurnedAway || ending == Ending::kLeft) return;
  ends_.push_back({now, ending == Ending::kDelivered});
  forget_old(ends_, now);
}

WindowStatus Window::status(MonoTime now) {
  forget_old(arrivals_, now);
  forget_old(checkouts_, now);
  forget_old(deliveries_, now);
  forget_old(ends_, now);

  std::vector<Duration> checkouts;
  for (const Sample& sample : checkouts_) checkouts.push_back(sample.value);
  std::vector<Duration> deliveries;
  for (const Sample& sample : deliveries_) deliveries.push_back(sample.value);
  for (const auto& [id, since] : undelivered_) {
    if (now - since > options_.overdue_after) deliveries.push_back(now - since);
  }
  WindowStatus status;
  for (const auto& [id, intended] : unacknowledged_) {
    if (now - intended <= options_.overdue_after) break;  // the younger come later
    checkouts.push_back(now - intended);
    ++status.overdue;
  }
  const auto good = std::count_if(ends_.begin(), ends_.end(), [](const End& e) { return e.good; });
  const auto all = static_cast<std::int64_t>(ends_.size()) + status.overdue;
  status.success_ratio = all == 0 ? 1 : static_cast<double>(good) / static_cast<double>(all);

  const Duration lived = std::max<Duration>(now - start_, std::chrono::milliseconds(1));
  const double seconds = static_cast<double>(std::min(options_.span, lived).count()) / 1e6;
  status.orders_per_second = static_cast<double>(checkouts_.size()) / seconds;
  status.arrivals_per_second = static_cast<double>(arrivals_.size()) / seconds;
  status.checkout_p95_ms = p95_ms(std::move(checkouts));
  status.delivery_p95_ms = p95_ms(std::move(deliveries));
  return status;
}

}  // namespace panshi::shop
