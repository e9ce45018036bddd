// SPDX-License-Identifier: Apache-2.0
// Promise: a coupon is used at most once by each user and as often as it may be by all; a claim
// whose order came to nothing is given back, and one whose order was paid never is.
#include "platform/storefront/services/coupon_book.h"

#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "tests/support/temporary_folder.h"

using namespace panshi;
using namespace panshi::shop;
using namespace std::chrono_literals;
using Outcome = CouponBook::Outcome;

namespace {

constexpr WallTime kNow{1'000s};

const CouponBook::Options kOptions = {
    .codes = {
        {.code = "TENTH",
         .percent_off = 10,
         .uses_max = 3,
         .from = kNow - 1s,
         .until = kNow + 100s},
        {.code = "OTHER", .off_cents = 5, .uses_max = 9, .from = kNow - 1s, .until = kNow + 100s}}};

struct Books {
  TemporaryFolder folder;
  CouponBook book{claims(), kOptions};
  Database claims() { return *CouponBook::open((folder.path() / "coupons.db").string()); }
  CouponBook::Answer claim(const std::string& user, const std::string& order, WallTime now = kNow,
                           const std::string& code = "TENTH") {
    const auto answer = book.claim({code, {order, user}, 1'000}, now);
    REQUIRE(answer);
    return *answer;
  }
};

}  // namespace

TEST_CASE("a user has a coupon for one order, however often he asks for it") {
  Books books;
  CHECK(books.claim("u1", "o-1").discount_cents == 100);
  CHECK(books.claim("u1", "o-1").discount_cents == 100);
  CHECK(books.claim("u1", "o-1", kNow + 200s).outcome == Outcome::kGranted);  // over, but his
  CHECK(books.claim("u1", "o-2").outcome == Outcome::kUsedByUser);
  CHECK(books.claim("u1", "o-1", kNow, "OTHER").outcome == Outcome::kOtherCoupon);
  CHECK(books.claim("u1", "o-3", kNow, "OTHER").discount_cents == 5);
}

TEST_CASE("all users together have a coupon as often as it says") {
  Books books;
  for (const char* n : {"1", "2", "3"}) {
    CHECK(books.claim(cat("u", n), cat("o-", n)).outcome == Outcome::kGranted);
  }
  CHECK(books.claim("u4", "o-4").outcome == Outcome::kUsedUp);
  CHECK(books.claim("u3", "o-3").outcome == Outcome::kGranted);
}

TEST_CASE("a coupon is good from its first moment to before its end, and unknown ones never") {
  Books books;
  CHECK(books.claim("u1", "o-1", kNow - 2s).outcome == Outcome::kNotValid);
  CHECK(books.claim("u1", "o-1", kNow + 100s).outcome == Outcome::kNotValid);
  CHECK(books.claim("u1", "o-1", kNow, "NEVER").outcome == Outcome::kUnknown);
  CHECK(books.claim("u1", "o-1", kNow - 1s).outcome == Outcome::kGranted);
}

TEST_CASE("a claim in the way is in doubt once its order must be there, until it is settled") {
  Books books;
  books.claim("u1", "o-1");
  CHECK(books.claim("u1", "o-2", kNow + 9s).doubtful.empty());
  const auto refused = books.claim("u1", "o-2", kNow + 10s);
  REQUIRE(refused.doubtful.size() == 1);
  CHECK(refused.doubtful[0].order == "o-1");
  SECTION("it came to nothing") {
    REQUIRE(books.book.settle({}, {"o-1"}));
    CHECK(books.claim("u1", "o-2", kNow + 10s).outcome == Outcome::kGranted);
  }
  SECTION("it was paid") {
    REQUIRE(books.book.settle({"o-1"}, {}));
    REQUIRE(books.book.settle({}, {"o-1"}));  // too late, or mistaken
    const auto again = books.claim("u1", "o-2", kNow + 10s);
    CHECK(again.outcome == Outcome::kUsedByUser);
    CHECK(again.doubtful.empty());
  }
}

TEST_CASE("of a coupon that is used up the oldest unsettled claims are in doubt") {
  Books books;
  for (const char* n : {"1", "2", "3"}) books.claim(cat("u", n), cat("o-", n));
  REQUIRE(books.book.settle({"o-1"}, {}));
  const auto refused = books.claim("u4", "o-4", kNow + 10s);
  CHECK(refused.outcome == Outcome::kUsedUp);
  REQUIRE(refused.doubtful.size() == 2);
  CHECK(refused.doubtful[0].user == "u2");
}

TEST_CASE("claims are there after a restart") {
  Books books;
  books.claim("u1", "o-1");
  CouponBook again(books.claims(), kOptions);
  CHECK(again.claim({"TENTH", {"o-2", "u1"}, 1'000}, kNow)->outcome == Outcome::kUsedByUser);
}
