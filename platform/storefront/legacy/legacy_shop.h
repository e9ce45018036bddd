// SPDX-License-Identifier: Apache-2.0
// LegacyShop: the whole shop in one process, as it was before it was rebuilt. The same public API.
//
// - Stock is looked up at the replica; nothing is held for an order.
// - An order is in the customer's session (here: in memory) until it is paid.
// - Paying does everything before it answers: charge, order, stock, card key, mail, log.
// - What the bank says is what the customer is told. If anything after the charge fails, that is
//   logged for support to mend by hand, and the answer is still "paid": a ghost order.
// - Every request holds a session of the one pool from beginning to end. Nothing is refused early,
//   there is no breaker, no deadline, no cache and no answer for when something is missing.
// Any thread.
#pragma once

#include <atomic>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>

#include "platform/storefront/base/log_file.h"
#include "platform/storefront/legacy/books.h"
#include "platform/storefront/stores/pool.h"

namespace panshi::shop {

class LegacyShop {
 public:
  LegacyShop(const LegacyConfig& config, LogFile mails);

  HttpResponse products();
  HttpResponse place(const HttpRequest& request);
  HttpResponse pay(const HttpRequest& request);
  HttpResponse show(const HttpRequest& request);
  HttpResponse history(const HttpRequest& request);

  Health health();
  nlohmann::json status() const;

 private:
  Result<HttpResponse> pay_with(LegacySession& session, Order order, const std::string& key);
  Status book(LegacySession& session, const Order& order);
  Status mail(const Order& order);
  std::optional<Order> in_cart(const std::string& order, const std::string& user);
  void put_in_cart(const Order& order);

  const LegacyConfig config_;
  Pool<LegacySession> pool_;
  std::mutex mutex_;  // of what follows
  std::unordered_map<std::string, Order> carts_;
  std::deque<std::string> cart_order_;  // oldest first
  LogFile mails_;
  std::atomic<std::int64_t> placed_{0}, paid_{0}, not_booked_{0}, sold_out_{0}, failed_{0};
};

}  // namespace panshi::shop
