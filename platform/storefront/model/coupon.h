// SPDX-License-Identifier: Apache-2.0
// Coupon: a code that makes an order cheaper. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"

namespace panshi::shop {

struct Coupon {
  std::string code;
  std::int64_t percent_off = 0;  // of the price; or else
  std::int64_t off_cents = 0;
  std::int64_t uses_max = 0;  // by all users together; each user once
  WallTime from = {};         // good from then
  WallTime until = {};        // to before then
};

// 3-32 characters of [A-Z0-9-].
bool is_coupon_code(std::string_view text);
// What a customer typed, as it is written on the coupon: without blanks around it, in capitals.
std::string coupon_code_typed(std::string_view text);

// Rounded down, and one cent is left to be paid: the provider charges no nothing.
std::int64_t discount_of(const Coupon& coupon, std::int64_t price_cents);

// "2026-12-31": when that day begins, in UTC. None: it is no day.
std::optional<WallTime> day_of(std::string_view text);

}  // namespace panshi::shop
