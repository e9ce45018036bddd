// SPDX-License-Identifier: Apache-2.0
// Promise: what a coupon takes off is never the whole price, and codes and days are read strictly.
#include "platform/storefront/model/coupon.h"

#include <catch2/catch.hpp>

using namespace panshi;
using namespace panshi::shop;

TEST_CASE("a coupon takes off its part or its amount, and leaves a cent to pay") {
  const Coupon tenth = {.code = "TENTH", .percent_off = 10};
  CHECK(discount_of(tenth, 1'500) == 150);
  CHECK(discount_of(tenth, 1'509) == 150);
  CHECK(discount_of(tenth, 9) == 0);
  const Coupon two_yuan = {.code = "TWO", .off_cents = 200};
  CHECK(discount_of(two_yuan, 1'500) == 200);
  CHECK(discount_of(two_yuan, 200) == 199);
  CHECK(discount_of(two_yuan, 1) == 0);
  CHECK(discount_of(two_yuan, 0) == 0);
}

TEST_CASE("a code is taken as it was typed, in capitals and without blanks around it") {
  CHECK(coupon_code_typed(" welcome-1\t") == "WELCOME-1");
  CHECK(coupon_code_typed("  ").empty());
  CHECK(coupon_code_typed("a b") == "A B");
  CHECK(is_coupon_code("WELCOME-1"));
  for (const char* text :
       {"", "AB", "welcome", "A B", "A_B", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456"}) {
    INFO(text);
    CHECK_FALSE(is_coupon_code(text));
  }
}

TEST_CASE("a day is one of the calendar, written in full") {
  CHECK(day_of("1970-01-02") == WallTime(std::chrono::hours(24)));
  CHECK(day_of("2024-02-29").has_value());
  for (const char* text : {"", "2023-02-29", "2026-13-01", "2026-00-10", "2026-1-1", "26-01-01",
                           "2026/01/01", "2026-01-+1", "-026-01-01", "2026-01-01T"}) {
    INFO(text);
    CHECK_FALSE(day_of(text).has_value());
  }
}
