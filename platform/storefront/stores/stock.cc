// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/stores/stock.h"

#include <charconv>

#include "core/base/text.h"
#include "platform/storefront/stores/stock_scripts.h"

namespace panshi::shop {
namespace {

constexpr const char* kHolds = "holds";            // zset: order by expiry in ms
constexpr const char* kExpired = "holds:expired";  // zset: expired, not yet so in the database
constexpr const char* kSwept = "psp:swept";        // hash: began_ms, after
constexpr const char* kCatalog = "catalog";
constexpr const char* kHoldPrefix = "hold:";
constexpr const char* kStockPrefix = "stock:";
constexpr std::int64_t kKeepSeconds = 24 * 3600;  // how long a finished order is kept here

std::string hold_key(const std::string& order) { return kHoldPrefix + order; }
std::string stock_key(const std::string& product) { return kStockPrefix + product; }
std::string ms_text(WallTime time) { return std::to_string(to_us(time) / 1'000); }

std::int64_t number(const std::string& text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void append_fields(std::vector<std::string>& arguments, const Order& order) {
  const std::vector<std::string> fields = {"order",
                                           order.order,
                                           "user",
                                           order.user,
                                           "product",
                                           order.product,
                                           "quantity",
                                           std::to_string(order.quantity),
                                           "amount_cents",
                                           std::to_string(order.amount_cents),
                                           "idempotency_key",
                                           order.idempotency_key,
                                           "body_hash",
                                           order.body_hash,
                                           "placed_at_us",
                                           std::to_string(order.placed_at_us)};
  arguments.insert(arguments.end(), fields.begin(), fields.end());
}

Hold hold_of(const RedisReply& pairs) {  // as HGETALL gives them
  std::map<std::string, std::string> fields;
  for (std::size_t i = 0; i + 1 < pairs.list.size(); i += 2) {
    fields[pairs.list[i].text] = pairs.list[i + 1].text;
  }
  return {.order = {.order = fields["order"],
                    .user = fields["user"],
                    .product = fields["product"],
                    .quantity = number(fields["quantity"]),
                    .amount_cents = number(fields["amount_cents"]),
                    .idempotency_key = fields["idempotency_key"],
                    .body_hash = fields["body_hash"],
                    .placed_at_us = number(fields["placed_at_us"]),
                    .paid_at_us = 0,
                    .charge = {}},
          .state = fields["state"],
          .durable = fields["durable"],
          .card_key = fields["card_key"]};
}
// Scripts answer {word} or {word, pairs}.
const std::string& word_of(const RedisReply& reply) {
  static const std::string none;
  return reply.list.empty() ? none : reply.list[0].text;
}
Hold hold_in(const RedisReply& reply) {
  return reply.list.size() > 1 ? hold_of(reply.list[1]) : Hold{};
}

template <class Outcome>
Result<Outcome> outcome_of(const RedisReply& reply,
                           std::initializer_list<std::pair<const char*, Outcome>> words) {
  for (const auto& [word, outcome] : words) {
    if (word_of(reply) == word) return outcome;
  }
  return fail(ErrorCode::kInternal, cat("redis: script answered `", word_of(reply), "`"));
}

Status status_of(const Result<RedisReply>& reply) {
  if (!reply) return tl::unexpected(reply.error());
  return {};
}

}  // namespace

SoftStock::SoftStock(Redis::Options redis, std::size_t connections)
    : pool_({.name = cat("redis ", redis.host, ":", redis.port),
             .size = connections,
             .breaker = {.failures_max = 3, .open_for = std::chrono::milliseconds(200)}},
            [redis] { return Redis::connect(redis); }) {}

Result<RedisReply> SoftStock::eval(const char* script, const std::vector<std::string>& keys,
                                   const std::vector<std::string>& arguments) {
  return pool_.with([&](Redis& redis) { return redis.eval(script, keys, arguments); });
}
Result<RedisReply> SoftStock::run(const std::vector<std::string>& command) {
  return pool_.with([&](Redis& redis) { return redis.run(command); });
}

Result<SoftStock::Reservation> SoftStock::reserve(const Order& order, WallTime expires) {
  std::vector<std::string> arguments = {order.order,           order.product,
                                        ms_text(expires),      std::to_string(order.quantity),
                                        order.idempotency_key, order.body_hash};
  append_fields(arguments, order);
  ASSIGN_OR_RETURN(
      const RedisReply reply,
      eval(kReserveScript, {stock_key(order.product), hold_key(order.order), kHolds}, arguments));
  ASSIGN_OR_RETURN(const Reserved outcome,
                   outcome_of<Reserved>(reply, {{"new", Reserved::kNew},
                                                {"already", Reserved::kAlready},
                                                {"other", Reserved::kOtherBody},
                                                {"sold_out", Reserved::kSoldOut},
                                                {"unknown", Reserved::kUnknownProduct}}));
  return Reservation{outcome, hold_in(reply)};
}

Status SoftStock::recorded(const std::string& order, const std::string& durable) {
  return status_of(eval(kRecordedScript, {hold_key(order)}, {durable}));
}

Status SoftStock::cancel(const Order& order) {
  return status_of(eval(kCancelScript, {stock_key(order.product), hold_key(order.order), kHolds},
                        {order.order}));
}

Result<SoftStock::Payable> SoftStock::begin_pay(const std::string& order, const PayRequest& request,
                                                WallTime now, WallTime until) {
  ASSIGN_OR_RETURN(const RedisReply reply,
                   eval(kBeginPayScript, {hold_key(order), kHolds},
                        {order, request.user, std::to_string(request.amount_cents), ms_text(now),
                         ms_text(until)}));
  ASSIGN_OR_RETURN(const PayStart outcome,
                   outcome_of<PayStart>(reply, {{"started", PayStart::kStarted},
                                                {"already", PayStart::kAlreadyPaid},
                                                {"expired", PayStart::kExpired},
                                                {"wrong_amount", PayStart::kWrongAmount},
                                                {"unknown", PayStart::kUnknownOrder}}));
  return Payable{outcome, hold_in(reply)};
}

Status SoftStock::end_pay(const std::string& order, WallTime expires) {
  return status_of(eval(kEndPayScript, {hold_key(order), kHolds}, {order, ms_text(expires)}));
}

Status SoftStock::settle(const Order& order, const std::string& to, const std::string& card_key) {
  std::vector<std::string> arguments = {order.order, to, card_key, std::to_string(order.quantity),
                                        std::to_string(kKeepSeconds)};
  append_fields(arguments, order);
  return status_of(eval(kSettleScript,
                        {stock_key(order.product), hold_key(order.order), kHolds, kExpired},
                        arguments));
}
Status SoftStock::paid(const Order& order) { return settle(order, "paid", ""); }
Status SoftStock::delivered(const Order& order, const std::string& card_key) {
  return settle(order, "delivered", card_key);
}

Result<int> SoftStock::expire(WallTime now, int limit) {
  ASSIGN_OR_RETURN(const RedisReply reply, eval(kExpireScript, {kHolds, kExpired, kSwept},
                                                {ms_text(now), std::to_string(limit), kHoldPrefix,
                                                 kStockPrefix, std::to_string(kKeepSeconds)}));
  return static_cast<int>(reply.integer);
}

Result<std::vector<Order>> SoftStock::expired_unrecorded(int limit) {
  ASSIGN_OR_RETURN(const RedisReply ids, run({"ZRANGE", kExpired, "0", std::to_string(limit - 1)}));
  std::vector<Order> orders;
  for (const RedisReply& id : ids.list) {
    ASSIGN_OR_RETURN(const std::optional<Hold> hold, find(id.text));
    if (hold) {
      orders.push_back(hold->order);
    } else if (auto forgotten = expiry_recorded(id.text); !forgotten) {
      return tl::unexpected(forgotten.error());
    }
  }
  return orders;
}

Status SoftStock::expiry_recorded(const std::string& order) {
  return status_of(run({"ZREM", kExpired, order}));
}

Status SoftStock::set_swept(WallTime began, std::int64_t after) {
  return status_of(
      run({"HSET", kSwept, "began_ms", ms_text(began), "after", std::to_string(after)}));
}

Result<std::int64_t> SoftStock::swept_after() {
  ASSIGN_OR_RETURN(const RedisReply reply, run({"HGET", kSwept, "after"}));
  return number(reply.text);
}

Result<std::optional<Hold>> SoftStock::find(const std::string& order) {
  ASSIGN_OR_RETURN(const RedisReply reply, run({"HGETALL", hold_key(order)}));
  if (reply.list.empty()) return std::optional<Hold>();
  return std::optional<Hold>(hold_of(reply));
}

Result<std::optional<StockCount>> SoftStock::count(const std::string& product) {
  ASSIGN_OR_RETURN(const RedisReply reply,
                   run({"HMGET", stock_key(product), "initial", "free", "held", "sold"}));
  if (reply.list.size() != 4 || reply.list[0].kind == RedisReply::Kind::kNil) {
    return std::optional<StockCount>();
  }
  return std::optional<StockCount>({.initial = number(reply.list[0].text),
                                    .free = number(reply.list[1].text),
                                    .held = number(reply.list[2].text),
                                    .sold = number(reply.list[3].text)});
}

Result<bool> SoftStock::initialise(const std::string& product, const StockCount& count) {
  ASSIGN_OR_RETURN(const RedisReply reply,
                   eval(kInitialiseScript, {stock_key(product)},
                        {std::to_string(count.initial), std::to_string(count.free),
                         std::to_string(count.held), std::to_string(count.sold)}));
  return reply.integer == 1;
}

Status SoftStock::set_catalog(const std::string& json) {
  return status_of(run({"SET", kCatalog, json}));
}
Result<std::string> SoftStock::catalog() {
  ASSIGN_OR_RETURN(const RedisReply reply, run({"GET", kCatalog}));
  return reply.text;
}
Status SoftStock::ping() { return status_of(run({"PING"})); }

}  // namespace panshi::shop
