// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/legacy/legacy_shop.h"

#include <limits>

#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/io/log.h"

namespace panshi::shop {
namespace {

constexpr std::size_t kCartsMax = 100'000;  // the oldest is forgotten
constexpr std::int64_t kHistoryMax = 50;

HttpResponse order_response(const Order& order, const char* state, int status) {
  return json_response(
      {{"order", order.order}, {"state", state}, {"amount_cents", order.amount_cents}}, status);
}

HttpResponse shown(const StoredOrder& stored) {
  return json_response(
      {{"order", stored.order.order},
       {"state", stored.state},
       {"product", stored.order.product},
       {"amount_cents", stored.order.amount_cents},
       {"card_key", stored.card_key.empty() ? nlohmann::json() : nlohmann::json(stored.card_key)},
       {"message", message_for(stored.state)}});
}

// 生成卡密: made on the spot, one for an order.
std::string make_card_key(const Order& order) {
  const std::string digits = hex16(fnv1a(cat("legacy:", order.order, ":", order.placed_at_us)));
  return cat("L", order.order.substr(2, 8), "-", digits.substr(0, 8), "-", digits.substr(8));
}

// Its word for what went wrong behind it: all or nothing.
HttpResponse page_failed(const Error& error) { return refusal(500, "failed", error.message); }

}  // namespace

LegacyShop::LegacyShop(const LegacyConfig& config, LogFile mails)
    : config_(config),
      pool_({.name = "sessions",
             .size = static_cast<std::size_t>(config.connections),
             .wait_max = config.wait_max,
             .breaker = {.failures_max = std::numeric_limits<int>::max()}},  // there was none
            [this]() -> Result<LegacySession> { return LegacySession(config_); }),
      mails_(std::move(mails)) {}

HttpResponse LegacyShop::products() {
  const auto goods = pool_.with([](LegacySession& session) { return read_goods(session, ""); });
  if (!goods) {
    ++failed_;
    return page_failed(goods.error());
  }
  nlohmann::json list = nlohmann::json::array();
  for (const LegacyGoods& one : *goods) {
    list.push_back({{"product", one.product},
                    {"title", one.title},
                    {"price_cents", one.price_cents},
                    {"free", one.left}});
  }
  return json_response({{"products", list}});
}

HttpResponse LegacyShop::place(const HttpRequest& request) {
  const std::string key = request.header("idempotency-key");
  if (auto fine = check_idempotency_key(key); !fine) return error_response(fine.error());
  const auto wanted = read_place_request(request.body);
  if (!wanted) return error_response(wanted.error());
  if (!wanted->coupon.empty()) return refusal(404, "coupon_unknown", "no coupons here");
  const auto goods =
      pool_.with([&](LegacySession& session) { return read_goods(session, wanted->product); });
  if (!goods) {
    ++failed_;
    return page_failed(goods.error());
  }
  if (goods->empty()) return refusal(404, "not_found", cat("no product `", wanted->product, "`"));
  if (goods->front().left < wanted->quantity) {
    ++sold_out_;
    return refusal(409, "sold_out", cat("no ", wanted->product, " left"));
  }
  const Order order = {.order = order_id_of(wanted->user, key, wanted->product),
                       .user = wanted->user,
                       .product = wanted->product,
                       .quantity = wanted->quantity,
                       .amount_cents = goods->front().price_cents * wanted->quantity,
                       .idempotency_key = key,
                       .body_hash = body_hash_of(wanted->user, wanted->product, wanted->quantity),
                       .placed_at_us = to_us(wall_now()),
                       .paid_at_us = 0,
                       .charge = {}};
  put_in_cart(order);
  ++placed_;
  return order_response(order, "placed", 201);
}

HttpResponse LegacyShop::pay(const HttpRequest& request) {
  const std::string key = request.header("idempotency-key");
  if (auto fine = check_idempotency_key(key); !fine) return error_response(fine.error());
  const auto wanted = read_pay_request(request.body);
  if (!wanted) return error_response(wanted.error());
  const auto order = in_cart(request.captures[0], wanted->user);
  if (!order) return refusal(404, "not_found", "no such order");
  if (order->amount_cents != wanted->amount_cents) {
    return refusal(409, "wrong_amount", cat("the order costs ", order->amount_cents, " cents"));
  }
  const auto answer =
      pool_.with([&](LegacySession& session) { return pay_with(session, *order, key); });
  if (answer) return *answer;
  ++failed_;
  return page_failed(answer.error());  // no session: nothing was charged
}

Result<HttpResponse> LegacyShop::pay_with(LegacySession& session, Order order,
                                          const std::string& key) {
  const auto charged = session.charge(dump_json({{"key", key},
                                                 {"order", order.order},
                                                 {"user", order.user},
                                                 {"amount_cents", order.amount_cents}}));
  if (!charged) {
    ++failed_;
    return page_failed(charged.error());
  }
  if (charged->status == 402) return refusal(402, "declined", "the card was declined");
  if (charged->status != 200) {
    ++failed_;
    return page_failed({ErrorCode::kInternal, cat("the bank answered ", charged->status)});
  }
  order.paid_at_us = to_us(wall_now());
  ++paid_;
  if (const Status booked = book(session, order); !booked) {
    ++not_booked_;
    log_error(cat(order.order, " is paid, but not booked: ", booked.error().message));
  }
  return order_response(order, "paid", 200);
}

// Everything that the customer waits for, one after the other.
Status LegacyShop::book(LegacySession& session, const Order& order) {
  Status booked = write_purchase(session, order, make_card_key(order));
  if (booked) booked = mail(order);
  if (booked) booked = session.commit();
  if (booked) {
    log_info(cat("sold ", order.order, " for ", order.amount_cents, " cents"));
    return {};
  }
  session.roll_back();
  if (booked.error().code == ErrorCode::kConflict) return {};  // paid and booked before
  return booked;
}

Status LegacyShop::mail(const Order& order) {
  const std::lock_guard lock(mutex_);
  mails_.append(dump_json({{"to", order.user}, {"order", order.order}}));
  return mails_.flush();
}

HttpResponse LegacyShop::show(const HttpRequest& request) {
  const auto user = request.query.find("user");
  if (user == request.query.end()) {
    return refusal(400, "invalid", "query parameter `user` is missing");
  }
  const std::string& id = request.captures[0];
  const auto found = pool_.with([&](LegacySession& session) { return find_order(session, id); });
  if (!found) {
    ++failed_;
    return page_failed(found.error());
  }
  if (*found && (*found)->order.user == user->second) return shown(**found);
  const auto waiting = in_cart(id, user->second);
  if (!*found && waiting) return shown({.order = *waiting, .state = "placed", .card_key = {}});
  return refusal(404, "not_found", "no such order");
}

HttpResponse LegacyShop::history(const HttpRequest& request) {
  const auto user = request.query.find("user");
  if (user == request.query.end() || !is_id(user->second)) {
    return refusal(400, "invalid", "query parameter `user` is missing or no user id");
  }
  const auto found = pool_.with(
      [&](LegacySession& session) { return find_orders(session, user->second, kHistoryMax); });
  if (!found) {
    ++failed_;
    return page_failed(found.error());
  }
  nlohmann::json list = nlohmann::json::array();
  for (const StoredOrder& stored : *found) {
    list.push_back({{"order", stored.order.order},
                    {"state", stored.state},
                    {"product", stored.order.product},
                    {"amount_cents", stored.order.amount_cents},
                    {"placed_at_us", stored.order.placed_at_us}});
  }
  return json_response({{"orders", list}});
}

// As its customers see it: through the same pool, at the end of the same queue.
Health LegacyShop::health() {
  const auto goods = pool_.with([](LegacySession& session) { return read_goods(session, ""); });
  if (!goods) return {false, "database"};
  if (goods->empty()) return {false, "catalogue"};
  return {true, ""};
}

nlohmann::json LegacyShop::status() const {
  return {{"placed", placed_.load()},
          {"paid", paid_.load()},
          {"not_booked", not_booked_.load()},
          {"sold_out", sold_out_.load()},
          {"failed", failed_.load()}};
}

std::optional<Order> LegacyShop::in_cart(const std::string& order, const std::string& user) {
  const std::lock_guard lock(mutex_);
  const auto found = carts_.find(order);
  if (found == carts_.end() || found->second.user != user) return std::nullopt;
  return found->second;
}

void LegacyShop::put_in_cart(const Order& order) {
  const std::lock_guard lock(mutex_);
  if (!carts_.emplace(order.order, order).second) return;
  cart_order_.push_back(order.order);
  if (cart_order_.size() <= kCartsMax) return;
  carts_.erase(cart_order_.front());
  cart_order_.pop_front();
}

}  // namespace panshi::shop
