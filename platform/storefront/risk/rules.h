// SPDX-License-Identifier: Apache-2.0
// RiskRule: one line of the gateway's risk control, as its configuration says it.
//
//     - {name: burst, on: place, key: address, window: 10s, limit: 200}
//     - {name: many-users, key: device, counts: users, window: 1h, limit: 5, fail: closed}
//     - {name: card-testing, on: pay, key: user, counts: failures, window: 10m, limit: 5,
//        action: delay, delay: 5s}
//     - {name: hoarding, on: place, key: address, counts: unpaid, window: 10m, limit: 20}
//     - {name: coupons, on: place, key: device, counts: coupons, window: 24h, limit: 3}
//
// At most `limit` of what `counts` says pass for one value of `key` in any `window`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/json/fields.h"

namespace panshi::shop {

struct RiskRule {
  // In the order in which rules are asked: an attacker owns many devices and users, but few
  // addresses, and what an address rule refuses never reaches the memory of the others.
  enum class Key { kAddress, kDevice, kUser };
  enum class Counts {
    kRequests,
    kUsers,     // different ones
    kDevices,   // different ones
    kFailures,  // answers that a guesser gets: declined, no such order, wrong amount or body
    kUnpaid,    // orders that hold stock and are not paid, each for `window` at most
    kCoupons,   // orders with a coupon, whatever became of them; asked of such orders alone
  };
  enum class On { kBoth, kPlace, kPay };
  enum class Action {
    kRefuse,
    kDelay,  // let pass who comes back after `delay` with the pass he was given
  };

  std::string name;
  On on = On::kBoth;
  Key key = Key::kAddress;
  Counts counts = Counts::kRequests;
  Duration window = std::chrono::minutes(1);
  std::int64_t limit = 0;
  Action action = Action::kRefuse;
  Duration delay = std::chrono::seconds(5);
  // What to do when it cannot be told: the key is missing, or the memory is full of blocked keys.
  bool fail_closed = false;
};

struct RiskConfig {
  std::vector<RiskRule> rules;
  std::int64_t keys_max = 20'000;  // of each rule
};

// Reads `{rules: […], keys_max}`; names must differ.
void read_risk_config(Fields& in, RiskConfig& config);

}  // namespace panshi::shop
