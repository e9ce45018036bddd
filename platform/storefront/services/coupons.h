// SPDX-License-Identifier: Apache-2.0
// Coupons: takes a coupon for an order before the order is made, from the extras. Any thread.
//
// Idempotent by order. The extras know claims only, not what became of their orders: when they
// refuse because of an old one, `fate` tells (and the truth is told to them), and they are asked
// once more. An order that expired, or never came to be, has not used its coupon.
#pragma once

#include <atomic>
#include <functional>
#include <optional>

#include "core/io/http_server.h"
#include "platform/storefront/model/order.h"
#include "platform/storefront/stores/http_upstream.h"

namespace panshi::shop {

class Coupons {
 public:
  enum class Fate { kUsed, kFree, kOpen };  // kOpen: not known, or it may still be paid
  using FindFate = std::function<Fate(const std::string& order, const std::string& user)>;

  Coupons(HttpUpstream::Options extras) : extras_(std::move(extras)) {}

  // What `order` (at its full price) costs less; or what the customer is told instead, and nothing
  // happened to his order.
  tl::expected<std::int64_t, HttpResponse> claim(const Order& order, MonoTime deadline,
                                                 const FindFate& fate);
  std::int64_t granted() const { return granted_; }
  std::int64_t unavailable() const { return unavailable_; }

 private:
  Result<HttpReply> ask(const Order& order, MonoTime deadline);
  bool settle(const nlohmann::json& doubtful, MonoTime deadline, const FindFate& fate);
  HttpResponse not_available();

  HttpUpstream extras_;
  std::atomic<std::int64_t> granted_{0}, unavailable_{0};
};

// 503 `coupons_unavailable`: nothing was kept, and the order can be made without.
HttpResponse coupons_unavailable();

}  // namespace panshi::shop
