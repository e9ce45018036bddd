// SPDX-License-Identifier: Apache-2.0
// MissingOrders: paid orders of which the database has no row, and for how long.
//
// An order is written down before anybody can pay for it, in the database or else in the queue,
// from which its row is made later: so a charge for an order without a row may be good. It is given
// up when the row did not come within `within`, although nothing in the queue can make it any more;
// or within `within_max`, whatever waits there. Whoever is not known here begins anew, so a restart
// makes an order wait for longer, and never for less.
//
// Pure: the caller passes `now`. One thread at a time (users hold their own lock).
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>

#include "core/base/clock.h"

namespace panshi::shop {

class MissingOrders {
 public:
  struct Options {
    Duration within;
    Duration within_max = std::chrono::hours(24);
    std::size_t orders_max = 10'000;  // beyond, newcomers wait until there is room for them
  };
  explicit MissingOrders(Options options) : options_(options) {}

  bool has(const std::string& order) const { return since_.contains(order); }
  // The database has no row. `none_comes`: after the order was first missed, and before the
  // database was asked, no order waited in the queue for its row. True: given up, and forgotten.
  bool is_given_up(const std::string& order, bool none_comes, MonoTime now);
  void found(const std::string& order) { since_.erase(order); }
  std::size_t size() const { return since_.size(); }

 private:
  Options options_;
  std::unordered_map<std::string, MonoTime> since_;
};

}  // namespace panshi::shop
