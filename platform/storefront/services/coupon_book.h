// SPDX-License-Identifier: Apache-2.0
// CouponBook: which order has which coupon, in a SQLite file of its own: one place, so that no
// coupon is used more often than it may be. Any thread.
//
// A claim is made before its order is: nobody knows yet whether the order comes to be and is paid.
// A claim that is in another one's way and old enough is therefore handed back as doubtful: who
// asked looks what became of its order and says so by settle().
#pragma once

#include <mutex>
#include <vector>

#include "core/io/sqlite.h"
#include "platform/storefront/model/coupon.h"

namespace panshi::shop {

class CouponBook {
 public:
  struct Order {
    std::string order;
    std::string user;
  };
  struct Wish {
    std::string code;
    Order order;
    std::int64_t price_cents = 0;
  };
  enum class Outcome { kGranted, kUnknown, kNotValid, kUsedByUser, kUsedUp, kOtherCoupon };
  struct Answer {
    Outcome outcome = Outcome::kGranted;
    std::int64_t discount_cents = 0;
    std::vector<Order> doubtful = {};  // what refused it, perhaps for nothing: at most 5
  };

  static Result<Database> open(const std::string& file);
  struct Options {
    std::vector<Coupon> codes;
    // An order that is not there by then will not come: longer than anybody waits for an answer.
    Duration doubtful_after = std::chrono::seconds(10);
  };
  CouponBook(Database database, Options options)
      : database_(std::move(database)), options_(std::move(options)) {}

  // Asked again for the same order: the same answer, also after the coupon expired.
  Result<Answer> claim(const Wish& wish, WallTime now);
  // Claims of `used` orders stay for good; those of `free` ones never came to anything.
  Status settle(const std::vector<std::string>& used, const std::vector<std::string>& free);
  // For who compares books, by order, at most `limit` of those behind `after`.
  struct Claim {
    Order order;
    std::string code;
    std::int64_t discount_cents = 0;
    bool settled = false;
  };
  Result<std::vector<Claim>> claims(const std::string& after, std::int64_t limit);
  const std::vector<Coupon>& codes() const { return options_.codes; }

 private:
  Result<std::optional<Answer>> earlier(const Wish& wish);
  Result<std::optional<Answer>> objection(const Coupon& coupon, const Order& order, WallTime now);
  Result<std::vector<Order>> doubtful(const std::string& code, WallTime now);

  std::mutex mutex_;
  Database database_;
  const Options options_;
};

}  // namespace panshi::shop
