// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/stores/stock.h"

#include <algorithm>
#include <charconv>

#include "core/base/text.h"
#include "platform/storefront/stores/stock_scripts.h"

namespace panshi::shop {
namespace {

constexpr const char* kSwept = "psp:swept";  // hash: began_ms, after
constexpr const char* kCatalog = "catalog";
constexpr std::size_t kStagedAtOnce = 1'000;
constexpr std::size_t kFoundAtOnce = 200;
constexpr std::int64_t kKeepSeconds = 24 * 3600;  // how long a finished order is kept here

using Access = RedisCluster::Access;

// {product} is the hash tag: what one script touches is in one slot.
struct Keys {
  explicit Keys(std::string_view product)
      : stock(cat("stock:{", product, "}")),
        hold_prefix(cat("hold:{", product, "}:")),
        holds(cat("holds:{", product, "}")),
        expired(cat("holds:{", product, "}:expired")),
        sold(cat("sold:{", product, "}")) {}
  std::string hold(const std::string& order) const { return hold_prefix + order; }

  std::string stock;        // hash: the counts
  std::string hold_prefix;  // hash: one order
  std::string holds;        // zset: order by expiry in ms
  std::string expired;      // zset: expired, not yet so in the database
  std::string sold;         // set: every order that is counted as sold
};
Keys keys_of(const std::string& order) { return Keys(product_of(order)); }

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
  if (order.coupon.empty()) return;
  for (const auto& field : {std::string("coupon"), order.coupon, std::string("discount_cents"),
                            std::to_string(order.discount_cents)}) {
    arguments.push_back(field);
  }
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
                    .charge = {},
                    .coupon = fields["coupon"],
                    .discount_cents = number(fields["discount_cents"])},
          .state = fields["state"],
          .durable = fields["durable"],
          .card_key = fields["card_key"],
          .epoch = fields["epoch"],
          .found_at = {},
          .uncounted = fields.contains("uncounted")};
}
// Scripts answer {word} or {word, pairs}.
const std::string& word_of(const RedisReply& reply) {
  static const std::string none;
  return reply.list.empty() ? none : reply.list[0].text;
}
Hold hold_in(const RedisReply& reply) {
  return reply.list.size() > 1 ? hold_of(reply.list[1]) : Hold{};
}

tl::unexpected<Error> stale() {
  return fail(ErrorCode::kConflict, "redis: the stock of this product is being counted anew");
}

template <class Outcome>
Result<Outcome> outcome_of(const RedisReply& reply,
                           std::initializer_list<std::pair<const char*, Outcome>> words) {
  if (word_of(reply) == "stale") return stale();
  for (const auto& [word, outcome] : words) {
    if (word_of(reply) == word) return outcome;
  }
  return fail(ErrorCode::kInternal, cat("redis: script answered `", word_of(reply), "`"));
}

Status status_of(const Result<RedisReply>& reply) {
  if (!reply) return tl::unexpected(reply.error());
  if (word_of(*reply) == "stale") return stale();
  return {};
}

}  // namespace

SoftStock::SoftStock(RedisCluster::Options redis) : redis_(std::move(redis)) {}

// A key of a user is for one order: kConflict when it was for another one. False: the node surely
// did not note it, full or away as it is; what it knows of the key is still asked for.
Result<bool> SoftStock::guard(const Order& order) {
  const std::string key = cat("idem:{", order.user, "}:", order.idempotency_key);
  auto earlier =
      redis_.run(key, {"SET", key, order.order, "NX", "GET", "EX", std::to_string(kKeepSeconds)},
                 Access::kRepeatable);
  const bool noted = earlier.has_value();
  if (!noted) {
    const ErrorCode why = earlier.error().code;
    if (why != ErrorCode::kRefused && why != ErrorCode::kUnavailable) {
      return tl::unexpected(earlier.error());
    }
    if (why == ErrorCode::kRefused) earlier = redis_.run(key, {"GET", key}, Access::kRepeatable);
    if (!earlier) return false;
  }
  if (earlier->kind == RedisReply::Kind::kNil || earlier->text == order.order) return noted;
  return fail(ErrorCode::kConflict, cat("the key is that of ", earlier->text));
}

Result<SoftStock::Reservation> SoftStock::reserve(const Order& order, WallTime expires) {
  const auto guarded = guard(order);
  if (!guarded) {
    if (guarded.error().code == ErrorCode::kConflict) return Reservation{Reserved::kOtherBody, {}};
    return tl::unexpected(guarded.error());
  }
  const Keys keys(order.product);
  std::vector<std::string> arguments = {order.order, ms_text(expires),
                                        std::to_string(order.quantity), order.idempotency_key,
                                        order.body_hash};
  append_fields(arguments, order);
  ASSIGN_OR_RETURN(const RedisReply reply,
                   redis_.eval(kReserveScript, {keys.stock, keys.hold(order.order), keys.holds},
                               arguments, Access::kWrite));
  ASSIGN_OR_RETURN(const Reserved outcome,
                   outcome_of<Reserved>(reply, {{"new", Reserved::kNew},
                                                {"already", Reserved::kAlready},
                                                {"other", Reserved::kOtherBody},
                                                {"sold_out", Reserved::kSoldOut}}));
  return Reservation{outcome, hold_in(reply), *guarded};
}

Status SoftStock::recorded(const std::string& order, const std::string& durable) {
  const Keys keys = keys_of(order);
  return status_of(
      redis_.eval(kRecordedScript, {keys.stock, keys.hold(order)}, {durable}, Access::kRepeatable));
}

Status SoftStock::cancel(const Hold& hold) {
  const Keys keys(hold.order.product);
  const std::string& order = hold.order.order;
  return status_of(redis_.eval(kCancelScript, {keys.stock, keys.hold(order), keys.holds},
                               {order, hold.epoch}, Access::kWrite));
}

Result<SoftStock::Payable> SoftStock::begin_pay(const std::string& order, const PayRequest& request,
                                                WallTime now, WallTime until) {
  if (product_of(order).empty()) return Payable{PayStart::kUnknownOrder, {}};
  const Keys keys = keys_of(order);
  ASSIGN_OR_RETURN(const RedisReply reply,
                   redis_.eval(kBeginPayScript, {keys.stock, keys.hold(order), keys.holds},
                               {order, request.user, std::to_string(request.amount_cents),
                                ms_text(now), ms_text(until)},
                               Access::kRepeatable));
  ASSIGN_OR_RETURN(const PayStart outcome,
                   outcome_of<PayStart>(reply, {{"started", PayStart::kStarted},
                                                {"already", PayStart::kAlreadyPaid},
                                                {"expired", PayStart::kExpired},
                                                {"wrong_amount", PayStart::kWrongAmount},
                                                {"unknown", PayStart::kUnknownOrder}}));
  return Payable{outcome, hold_in(reply)};
}

Status SoftStock::end_pay(const Hold& hold, WallTime expires) {
  const Keys keys(hold.order.product);
  const std::string& order = hold.order.order;
  return status_of(redis_.eval(kEndPayScript, {keys.stock, keys.hold(order), keys.holds},
                               {order, ms_text(expires), hold.epoch}, Access::kWrite));
}

Status SoftStock::settle(const Order& order, const std::string& to, const std::string& card_key) {
  const Keys keys(order.product);
  std::vector<std::string> arguments = {order.order, to, card_key, std::to_string(order.quantity),
                                        std::to_string(kKeepSeconds)};
  append_fields(arguments, order);
  return status_of(redis_.eval(
      kSettleScript, {keys.stock, keys.hold(order.order), keys.holds, keys.expired, keys.sold},
      arguments, Access::kRepeatable));
}
Status SoftStock::paid(const Order& order) { return settle(order, "paid", ""); }
Status SoftStock::confirm(const Order& charged) {
  ASSIGN_OR_RETURN(const std::optional<Hold> hold, find(charged.order));
  if (hold) return paid(charged);
  ASSIGN_OR_RETURN(const std::string text, catalog());
  ASSIGN_OR_RETURN(const nlohmann::json goods, parse_json(text));
  const bool is_price = std::any_of(goods.begin(), goods.end(), [&](const nlohmann::json& item) {
    return item.value("product", "") == charged.product &&
           item.value("price_cents", std::int64_t{0}) * charged.quantity == charged.amount_cents;
  });
  return is_price ? paid(charged) : Status();
}
Result<std::set<std::string>> SoftStock::paid_among(const std::string& product,
                                                    const std::vector<std::string>& orders) {
  const Keys keys(product);
  std::vector<std::string> names = {keys.stock};
  for (const std::string& order : orders) names.push_back(keys.hold(order));
  ASSIGN_OR_RETURN(const RedisReply reply,
                   redis_.eval(kPaidAmongScript, names, {}, Access::kRepeatable));
  if (auto fine = status_of(reply); !fine) return tl::unexpected(fine.error());
  std::set<std::string> paid;
  for (std::size_t i = 1; i < reply.list.size(); ++i) {
    paid.insert(orders.at(static_cast<std::size_t>(reply.list[i].integer)));
  }
  return paid;
}
Status SoftStock::delivered(const Order& order, const std::string& card_key) {
  return settle(order, "delivered", card_key);
}

Result<WallTime> SoftStock::swept_until() {
  ASSIGN_OR_RETURN(const RedisReply swept,
                   redis_.run(kSwept, {"HGET", kSwept, "began_ms"}, Access::kRepeatable));
  return WallTime(std::chrono::milliseconds(number(swept.text)));
}

Result<SoftStock::Expiry> SoftStock::expire(const std::string& product, WallTime now,
                                            WallTime swept_until, int limit) {
  const Keys keys(product);
  ASSIGN_OR_RETURN(const RedisReply reply,
                   redis_.eval(kExpireScript, {keys.stock, keys.holds, keys.expired},
                               {ms_text(now), std::to_string(limit), keys.hold_prefix,
                                ms_text(swept_until), std::to_string(kKeepSeconds)},
                               Access::kRepeatable));
  if (auto done = status_of(reply); !done) return tl::unexpected(done.error());
  if (reply.list.size() < 3) return fail(ErrorCode::kInternal, "redis: no counts of the expired");
  return Expiry{.expired = static_cast<int>(reply.list[1].integer),
                .unrecorded = static_cast<int>(reply.list[2].integer)};
}

Result<std::vector<Order>> SoftStock::expired_unrecorded(const std::string& product, int limit) {
  const std::string key = Keys(product).expired;
  ASSIGN_OR_RETURN(
      const RedisReply ids,
      redis_.run(key, {"ZRANGE", key, "0", std::to_string(limit - 1)}, Access::kRepeatable));
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
  const std::string key = keys_of(order).expired;
  return status_of(redis_.run(key, {"ZREM", key, order}, Access::kRepeatable));
}

Status SoftStock::set_swept(WallTime began, std::int64_t after) {
  return status_of(redis_.run(
      kSwept, {"HSET", kSwept, "began_ms", ms_text(began), "after", std::to_string(after)},
      Access::kRepeatable));
}

Result<std::int64_t> SoftStock::swept_after() {
  ASSIGN_OR_RETURN(const RedisReply reply,
                   redis_.run(kSwept, {"HGET", kSwept, "after"}, Access::kRepeatable));
  return number(reply.text);
}

Result<std::optional<Hold>> SoftStock::find(const std::string& order) {
  if (product_of(order).empty()) return std::optional<Hold>();
  const std::string key = keys_of(order).hold(order);
  ASSIGN_OR_RETURN(const RedisReply reply, redis_.run(key, {"HGETALL", key}, Access::kAnyone));
  if (reply.list.empty()) return std::optional<Hold>();
  return std::optional<Hold>(hold_of(reply));
}

Result<std::optional<StockCount>> SoftStock::count(const std::string& product, Read read) {
  const std::string key = Keys(product).stock;
  ASSIGN_OR_RETURN(const RedisReply reply,
                   redis_.run(key, {"HMGET", key, "initial", "free", "held", "sold"},
                              read == Read::kFresh ? Access::kRepeatable : Access::kReplica));
  if (reply.list.size() != 4 || reply.list[0].kind == RedisReply::Kind::kNil) {
    return std::optional<StockCount>();
  }
  return std::optional<StockCount>({.initial = number(reply.list[0].text),
                                    .free = number(reply.list[1].text),
                                    .held = number(reply.list[2].text),
                                    .sold = number(reply.list[3].text)});
}

Result<SoftStock::Whole> SoftStock::whole(const std::string& product) {
  const Keys keys(product);
  ASSIGN_OR_RETURN(
      const RedisReply reply,
      redis_.eval(kWholeScript, {keys.stock, keys.holds, keys.sold}, {}, Access::kRepeatable));
  if (reply.list.size() != 3) return fail(ErrorCode::kInternal, "redis: an odd answer");
  const auto texts_of = [](const RedisReply& list) {
    std::vector<std::string> texts;
    for (const RedisReply& each : list.list) texts.push_back(each.text);
    return texts;
  };
  Whole whole{.count = {}, .holding = texts_of(reply.list[1]), .sold = texts_of(reply.list[2])};
  const std::vector<RedisReply>& counts = reply.list[0].list;
  if (counts.size() == 4 && counts[0].kind != RedisReply::Kind::kNil) {
    whole.count = StockCount{.initial = number(counts[0].text),
                             .free = number(counts[1].text),
                             .held = number(counts[2].text),
                             .sold = number(counts[3].text)};
  }
  return whole;
}

Result<std::vector<Hold>> SoftStock::find_all(const std::string& product,
                                              const std::vector<std::string>& orders) {
  const Keys keys(product);
  std::vector<Hold> holds;
  for (std::size_t from = 0; from < orders.size(); from += kFoundAtOnce) {
    std::vector<std::string> names;
    for (std::size_t i = from; i < std::min(from + kFoundAtOnce, orders.size()); ++i) {
      names.push_back(keys.hold(orders[i]));
    }
    ASSIGN_OR_RETURN(const RedisReply reply,
                     redis_.eval(kFindAllScript, names, {}, Access::kRepeatable));
    for (std::size_t i = 0; i < reply.list.size(); ++i) {
      if (!reply.list[i].list.empty()) holds.push_back(hold_of(reply.list[i]));
      // Where it was found says which order it is shown for, whatever it says itself.
      if (!reply.list[i].list.empty()) holds.back().found_at = orders[from + i];
    }
  }
  return holds;
}

Result<std::optional<std::string>> SoftStock::lost(const std::string& product) {
  ASSIGN_OR_RETURN(const RedisReply reply,
                   redis_.eval(kMarkerScript, {Keys(product).stock}, {}, Access::kRepeatable));
  if (word_of(reply) == "whole" || reply.list.size() < 2) return std::optional<std::string>();
  return std::optional<std::string>(reply.list[1].text);
}

// Piece by piece, so that no single command is long.
Status SoftStock::stage_sold(const std::string& key, const StockLedger& ledger) {
  std::vector<std::string> ids = ledger.sold;
  for (const StoredOrder& stored : ledger.orders) {
    if (stored.state == "delivered") ids.push_back(stored.order.order);
  }
  if (auto fresh = redis_.run(key, {"DEL", key}, Access::kRepeatable); !fresh) {
    return tl::unexpected(fresh.error());
  }
  for (std::size_t from = 0; from < ids.size(); from += kStagedAtOnce) {
    std::vector<std::string> command = {"SADD", key};
    const std::size_t to = std::min(from + kStagedAtOnce, ids.size());
    for (std::size_t i = from; i < to; ++i) command.push_back(ids[i]);
    if (auto added = redis_.run(key, command, Access::kRepeatable); !added) {
      return tl::unexpected(added.error());
    }
  }
  const auto kept = redis_.run(key, {"EXPIRE", key, "60"}, Access::kRepeatable);
  if (!kept) return tl::unexpected(kept.error());
  return {};
}

Status SoftStock::rebuild(const std::string& product, const Rebuild& rebuild,
                          const StockLedger& ledger) {
  const Keys keys(product);
  const std::string staged = cat(keys.sold, ":staged:", rebuild.epoch);
  if (auto done = stage_sold(staged, ledger); !done) return done;
  std::vector<std::string> arguments = {rebuild.epoch,
                                        rebuild.seen,
                                        std::to_string(ledger.initial),
                                        keys.hold_prefix,
                                        ms_text(rebuild.expires),
                                        std::to_string(kKeepSeconds)};
  for (const StoredOrder& stored : ledger.orders) {
    const Order& order = stored.order;
    // Whether it is being charged is not known: it must not expire before the ledger was read.
    const std::string state = stored.state == "placed" ? "paying" : stored.state;
    std::vector<std::string> fields = {"order",    order.order,    "state",
                                       state,      "quantity",     std::to_string(order.quantity),
                                       "card_key", stored.card_key};
    append_fields(fields, order);
    arguments.push_back(std::to_string(fields.size()));
    arguments.insert(arguments.end(), fields.begin(), fields.end());
  }
  return status_of(redis_.eval(kRebuildScript,
                               {keys.stock, keys.holds, keys.expired, keys.sold, staged}, arguments,
                               Access::kRepeatable));
}

Status SoftStock::note_writer(const std::string& user, Duration until) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(until).count();
  const std::string key = cat("wrote:{", user, "}");
  const auto set =
      redis_.run(key, {"SET", key, "1", "PX", std::to_string(ms)}, Access::kRepeatable);
  if (!set) return tl::unexpected(set.error());
  return {};
}

bool SoftStock::wrote_lately(const std::string& user) {
  const std::string key = cat("wrote:{", user, "}");
  const auto there = redis_.run(key, {"GET", key}, Access::kRepeatable);
  return !there || there->kind != RedisReply::Kind::kNil;
}

Status SoftStock::raise_initial(const std::string& product, std::int64_t initial) {
  return status_of(redis_.eval(kRaiseScript, {Keys(product).stock}, {std::to_string(initial)},
                               Access::kRepeatable));
}

Status SoftStock::set_catalog(const std::string& json) {
  return status_of(redis_.run(kCatalog, {"SET", kCatalog, json}, Access::kRepeatable));
}
Result<std::string> SoftStock::catalog() {
  ASSIGN_OR_RETURN(const RedisReply reply,
                   redis_.run(kCatalog, {"GET", kCatalog}, Access::kReplica));
  return reply.text;
}
void SoftStock::add_to(nlohmann::json& status) const {
  const RedisPoolStats stats = redis_.pool_stats();
  status["pool_redis_size"] = stats.size;
  status["pool_redis_in_use"] = stats.in_use;
  status["pool_redis_waits"] = stats.waits;
  status["pool_redis_wait_ms"] = stats.wait_us / 1'000;
  status["pool_redis_refused"] = stats.refused;
}
Status SoftStock::ping() {
  return status_of(redis_.run(kCatalog, {"EXISTS", kCatalog}, Access::kReplica));
}

}  // namespace panshi::shop
