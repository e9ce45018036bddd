// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/services/coupon_book.h"

#include <algorithm>

namespace panshi::shop {
namespace {

constexpr std::int64_t kDoubtfulMax = 5;

constexpr std::string_view kCouponMigrations[] = {
    "CREATE TABLE claims (order_id TEXT NOT NULL PRIMARY KEY, code TEXT NOT NULL,"
    " user_id TEXT NOT NULL, discount_cents INTEGER NOT NULL, at_us INTEGER NOT NULL,"
    " settled INTEGER NOT NULL DEFAULT 0, UNIQUE (code, user_id)) STRICT;"};

}  // namespace

Result<Database> CouponBook::open(const std::string& file) {
  return Database::open(file, Database::Mode::kReadWrite, kCouponMigrations);
}

Result<CouponBook::Answer> CouponBook::claim(const Wish& wish, WallTime now) {
  const std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(const std::optional<Answer> before, earlier(wish));
  if (before) return *before;
  const auto coupon = std::find_if(options_.codes.begin(), options_.codes.end(),
                                   [&](const Coupon& one) { return one.code == wish.code; });
  if (coupon == options_.codes.end()) return Answer{Outcome::kUnknown};
  if (now < coupon->from || now >= coupon->until) return Answer{Outcome::kNotValid};
  ASSIGN_OR_RETURN(const std::optional<Answer> refused, objection(*coupon, wish.order, now));
  if (refused) return *refused;
  const std::int64_t discount = discount_of(*coupon, wish.price_cents);
  const Status noted = database_.run(
      "INSERT INTO claims (order_id, code, user_id, discount_cents, at_us) VALUES (?, ?, ?, ?, ?)",
      {wish.order.order, wish.code, wish.order.user, discount, to_us(now)});
  if (!noted) return tl::unexpected(noted.error());
  return Answer{Outcome::kGranted, discount};
}

Result<std::optional<CouponBook::Answer>> CouponBook::earlier(const Wish& wish) {
  std::optional<Answer> found;
  const Status read = database_.query("SELECT code, discount_cents FROM claims WHERE order_id = ?",
                                      {wish.order.order}, [&](const SqlRow& row) {
                                        found = row.text(0) == wish.code
                                                    ? Answer{Outcome::kGranted, row.integer(1)}
                                                    : Answer{Outcome::kOtherCoupon};
                                      });
  if (!read) return tl::unexpected(read.error());
  return found;
}

Result<std::optional<CouponBook::Answer>> CouponBook::objection(const Coupon& coupon,
                                                                const Order& order, WallTime now) {
  std::optional<Answer> found;
  Status read =
      database_.query("SELECT order_id, settled, at_us FROM claims WHERE code = ? AND user_id = ?",
                      {coupon.code, order.user}, [&](const SqlRow& row) {
                        found = Answer{Outcome::kUsedByUser};
                        const bool old = from_us(row.integer(2)) <= now - options_.doubtful_after;
                        if (row.integer(1) == 0 && old)
                          found->doubtful = {{row.text(0), order.user}};
                      });
  if (!read) return tl::unexpected(read.error());
  if (found) return found;
  std::int64_t uses = 0;
  read = database_.query("SELECT COUNT(*) FROM claims WHERE code = ?", {coupon.code},
                         [&](const SqlRow& row) { uses = row.integer(0); });
  if (!read) return tl::unexpected(read.error());
  if (uses < coupon.uses_max) return found;
  ASSIGN_OR_RETURN(std::vector<Order> perhaps, doubtful(coupon.code, now));
  return std::optional<Answer>({Outcome::kUsedUp, 0, std::move(perhaps)});
}

Result<std::vector<CouponBook::Order>> CouponBook::doubtful(const std::string& code, WallTime now) {
  std::vector<Order> orders;
  const Status read = database_.query(
      "SELECT order_id, user_id FROM claims WHERE code = ? AND settled = 0 AND at_us <= ?"
      " ORDER BY at_us LIMIT ?",
      {code, to_us(now - options_.doubtful_after), kDoubtfulMax}, [&](const SqlRow& row) {
        orders.push_back({row.text(0), row.text(1)});
      });
  if (!read) return tl::unexpected(read.error());
  return orders;
}

Status CouponBook::settle(const std::vector<std::string>& used,
                          const std::vector<std::string>& free) {
  const std::lock_guard lock(mutex_);
  return database_.transaction([&]() -> Status {
    for (const std::string& order : used) {
      auto kept = database_.run("UPDATE claims SET settled = 1 WHERE order_id = ?", {order});
      if (!kept) return kept;
    }
    for (const std::string& order : free) {
      auto gone = database_.run("DELETE FROM claims WHERE order_id = ? AND settled = 0", {order});
      if (!gone) return gone;
    }
    return {};
  });
}

Result<std::vector<CouponBook::Claim>> CouponBook::claims(const std::string& after,
                                                          std::int64_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<Claim> found;
  const Status read = database_.query(
      "SELECT order_id, user_id, code, discount_cents, settled FROM claims WHERE order_id > ?"
      " ORDER BY order_id LIMIT ?",
      {after, limit}, [&](const SqlRow& row) {
        found.push_back({.order = {row.text(0), row.text(1)},
                         .code = row.text(2),
                         .discount_cents = row.integer(3),
                         .settled = row.integer(4) != 0});
      });
  if (!read) return tl::unexpected(read.error());
  return found;
}

}  // namespace panshi::shop
