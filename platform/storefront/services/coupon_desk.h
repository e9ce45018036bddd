// SPDX-License-Identifier: Apache-2.0
// CouponDesk: what `orders` asks the extras about coupons. Any thread.
//
// POST /coupons/claims {"coupon","order","user","price_cents"} -> 200 {"discount_cents"}; 404
// coupon_unknown; 409 coupon_not_valid, coupon_used, coupon_used_up (the last two with
// {"doubtful":[{"order","user"}]}); 422 other_body.
// POST /coupons/settled {"used":[order],"free":[order]} -> 200.
// GET /coupons/claims?after=ORDER -> 200 {"claims":[{"order","user","code","discount_cents",
// "settled"}],"codes":[{"code","uses_max"}]}, by order, for the audit.
#pragma once

#include <atomic>

#include "core/io/http_server.h"
#include "platform/storefront/services/coupon_book.h"

namespace panshi::shop {

class CouponDesk {
 public:
  explicit CouponDesk(CouponBook* book) : book_(book) {}  // null: there are no coupons

  void add_to(HttpServer& server);  // this must outlive the server's serving
  std::int64_t granted() const { return granted_; }
  std::int64_t refused() const { return refused_; }

 private:
  HttpResponse claim(const HttpRequest& request);
  HttpResponse settle(const HttpRequest& request);
  HttpResponse list(const HttpRequest& request);

  CouponBook* const book_;
  std::atomic<std::int64_t> granted_{0}, refused_{0};
};

}  // namespace panshi::shop
