// SPDX-License-Identifier: Apache-2.0
// orders: reserves soft stock and writes the order down, in the database or else in the queue,
// before it is acknowledged; answers for orders, from Redis or else from the database; keeps the
// stock (StockKeeper).
#include <atomic>
#include <mutex>

#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/base/mailbox.h"
#include "core/base/snapshot.h"
#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/model/unknown_orders.h"
#include "platform/storefront/services/background.h"
#include "platform/storefront/services/config.h"
#include "platform/storefront/services/coupons.h"
#include "platform/storefront/services/order_lists.h"
#include "platform/storefront/services/run_service.h"
#include "platform/storefront/services/services.h"
#include "platform/storefront/services/stock_keeper.h"
#include "platform/storefront/stores/http_upstream.h"
#include "platform/storefront/stores/queue.h"
#include "platform/storefront/stores/recount.h"
#include "platform/storefront/stores/shards.h"
#include "platform/storefront/stores/stock.h"

namespace panshi::shop {
namespace {

constexpr std::size_t kUnknownOrdersMax = 10'000;
constexpr std::size_t kUnwrittenMax = 10'000;  // orders acknowledged ahead of time (after_ack)

std::string public_state(const std::string& state) { return state == "paying" ? "placed" : state; }

void add_coupon(const Order& order, nlohmann::json& body) {
  if (order.coupon.empty()) return;
  body["coupon"] = order.coupon;
  body["discount_cents"] = order.discount_cents;
}

HttpResponse placed_response(const Order& order, const std::string& state,
                             const std::string& durable) {
  nlohmann::json body = {{"order", order.order},
                         {"state", public_state(state)},
                         {"amount_cents", order.amount_cents},
                         {"durable", durable}};
  add_coupon(order, body);
  return json_response(body, 201);
}

struct CatalogEntry {
  std::string title;
  std::int64_t price_cents = 0;
  std::int64_t free = 0;
};
using Catalog = std::map<std::string, CatalogEntry>;

class Orders {
 public:
  explicit Orders(const OrdersConfig& config)
      : config_(config),
        shards_(mariadb_options(config.database),
                static_cast<std::size_t>(config.database.connections)),
        stock_(redis_options(config.redis)),
        queue_(nats_options(config.queue, "orders"), config.queue.replicas),
        lists_(config, shards_, stock_),
        coupons_(make_coupons(config)),
        check_dependencies_(milliseconds(500), [this] { check_dependencies(); }),
        keeper_({shards_, queue_, stock_},
                {.every = config.sweep_every, .hold_time = config.hold_time},
                [this] { return products_for_sale(); }),
        write_late_(milliseconds(50), [this] { write_late(); }) {}

  HttpResponse place(const HttpRequest& request);
  HttpResponse show(const HttpRequest& request);
  HttpResponse history(const HttpRequest& request);
  HttpResponse products() const;
  Health health() const;
  nlohmann::json status() const;

 private:
  HttpResponse reserve_and_answer(const Order& order);
  HttpResponse write_and_answer(const Hold& hold, bool guarded);
  Result<std::string> write(const Order& order, bool guarded);
  static std::unique_ptr<Coupons> make_coupons(const OrdersConfig& config);
  std::optional<HttpResponse> take_coupon(Order& order, std::int64_t free, MonoTime deadline);
  Coupons::Fate fate_of(const std::string& order, const std::string& user,
                        const std::string& coupon);
  Result<std::optional<Hold>> look_up(const std::string& order, const std::string& user);
  bool is_known_unknown(const std::string& question);
  void check_dependencies();
  Status load_catalog();
  std::vector<std::string> products_for_sale() const;
  void write_late();

  const OrdersConfig config_;
  Shards shards_;
  SoftStock stock_;
  ShopQueue queue_;
  OrderLists lists_;
  const std::unique_ptr<Coupons> coupons_;  // null: none
  Snapshot<Catalog> catalog_{Catalog{}};
  std::atomic<bool> redis_up_{false};
  std::atomic<std::size_t> databases_up_{0};
  std::atomic<std::int64_t> placed_{0}, placed_in_queue_{0}, refused_{0}, unknown_{0}, sold_out_{0},
      cache_hits_{0}, cache_misses_{0}, unknown_hits_{0};
  std::mutex unknown_mutex_;
  UnknownOrders unknown_orders_{kUnknownOrdersMax, config_.unknown_for};
  struct Late {
    Order order;
    MonoTime at;
  };
  Mailbox<Late> late_{kUnwrittenMax};
  Background check_dependencies_;  // these use the members above
  StockKeeper keeper_;
  Background write_late_;
};

std::unique_ptr<Coupons> Orders::make_coupons(const OrdersConfig& config) {
  if (config.extras.host.empty()) return nullptr;
  return std::make_unique<Coupons>(
      HttpUpstream::Options{.name = "extras",
                            .base = cat("http://", config.extras.host, ":", config.extras.port),
                            .timeout = config.extras_timeout});
}

// Before the order is made: its price must be known. What refuses it has changed nothing.
std::optional<HttpResponse> Orders::take_coupon(Order& order, std::int64_t free,
                                                MonoTime deadline) {
  const auto held = stock_.find(order.order);
  if (!held) {
    ++refused_;
    return refusal(503, "unavailable", held.error().message);
  }
  if (*held) return std::nullopt;  // a repeat: it is as it was, or another request
  if (free <= 0) {                 // perhaps not so any more; but a coupon is not lost for nothing
    ++sold_out_;
    return refusal(409, "sold_out", cat("no ", order.product, " left"));
  }
  if (!coupons_) return coupons_unavailable();
  const auto discount = coupons_->claim(order, deadline, [&](const auto& other, const auto& user) {
    return fate_of(other, user, order.coupon);
  });
  if (!discount) return discount.error();
  order.discount_cents = *discount;
  order.amount_cents -= *discount;
  return std::nullopt;
}

Coupons::Fate Orders::fate_of(const std::string& order, const std::string& user,
                              const std::string& coupon) {
  const auto found = look_up(order, user);
  if (!found) return Coupons::Fate::kOpen;
  if (!*found || (*found)->order.coupon != coupon) return Coupons::Fate::kFree;
  const std::string& state = (*found)->state;
  if (state == "expired") return Coupons::Fate::kFree;
  return state == "paid" || state == "delivered" ? Coupons::Fate::kUsed : Coupons::Fate::kOpen;
}

HttpResponse Orders::place(const HttpRequest& request) {
  const std::string key = request.header("idempotency-key");
  if (auto fine = check_idempotency_key(key); !fine) return error_response(fine.error());
  const auto wanted = read_place_request(request.body);
  if (!wanted) return error_response(wanted.error());
  const auto catalog = catalog_.read();
  if (catalog->empty()) return refusal(503, "starting", "the catalogue is not loaded yet");
  const auto entry = catalog->find(wanted->product);
  if (entry == catalog->end()) {
    return refusal(404, "not_found", cat("no product `", wanted->product, "`"));
  }
  Order order = {
      .order = order_id_of(wanted->user, key, wanted->product),
      .user = wanted->user,
      .product = wanted->product,
      .quantity = wanted->quantity,
      .amount_cents = entry->second.price_cents * wanted->quantity,
      .idempotency_key = key,
      .body_hash = body_hash_of(wanted->user, wanted->product, wanted->quantity, wanted->coupon),
      .placed_at_us = to_us(wall_now()),
      .paid_at_us = 0,
      .charge = {},
      .coupon = wanted->coupon};
  if (!order.coupon.empty()) {
    auto refused = take_coupon(order, entry->second.free, deadline_of(request, config_.deadline));
    if (refused) return *std::move(refused);
  }
  return reserve_and_answer(order);
}

HttpResponse Orders::reserve_and_answer(const Order& order) {
  const auto reserved = stock_.reserve(order, wall_now() + config_.hold_time);
  if (!reserved) {  // a hold that we do not know of expires by itself
    ++refused_;
    if (reserved.error().code == ErrorCode::kConflict) {
      return refusal(503, "counting", reserved.error().message);
    }
    return error_response(reserved.error());
  }
  const Hold& hold = reserved->hold;
  switch (reserved->outcome) {
    case SoftStock::Reserved::kSoldOut:
      ++sold_out_;
      return refusal(409, "sold_out", cat("no ", order.product, " left"));
    case SoftStock::Reserved::kOtherBody:
      return refusal(422, "other_body", "this idempotency key was used for another request");
    case SoftStock::Reserved::kAlready:
      if (hold.state == "expired") {
        return refusal(409, "expired", "this order has expired; use a new key");
      }
      if (!hold.durable.empty()) return placed_response(hold.order, hold.state, hold.durable);
      break;
    case SoftStock::Reserved::kNew:
      break;
  }
  return write_and_answer(hold, reserved->guarded);
}

HttpResponse Orders::write_and_answer(const Hold& hold, bool guarded) {
  const Order& order = hold.order;
  if (config_.durability == Durability::kAfterAck) {
    if (!late_.put({order, SystemClock().mono() + config_.after_ack_delay})) {
      return refusal(503, "busy", "too many orders are not written yet");
    }
    ++placed_;
    return placed_response(order, "placed", "database");
  }
  const auto durable = write(order, guarded);
  if (!durable) {
    switch (durable.error().code) {
      case ErrorCode::kTimeout:
        ++unknown_;
        return error_response(durable.error());
      case ErrorCode::kConflict:
        (void)stock_.cancel(hold);
        return refusal(422, "other_body", durable.error().message);
      default:
        ++refused_;
        (void)stock_.cancel(hold);  // should this fail, the hold expires
        return refusal(503, "not_written", durable.error().message);
    }
  }
  ++placed_;
  if (*durable == "queue") ++placed_in_queue_;
  // Only spares a repeat the way to the database: the order is safe already.
  const Status noted = stock_.recorded(order.order, *durable);
  if (!noted && noted.error().code == ErrorCode::kConflict) {
    // Redis lost the hold, and perhaps counted again without this order: a repeat holds it anew.
    ++unknown_;
    return refusal(504, "unknown", "written, but not held; repeat with the same key");
  }
  if (!noted) {
    log_warn(cat(order.order, " not noted in redis: ", noted.error().message));
  }
  return placed_response(order, "placed", *durable);
}

// Where the order is safe now. kTimeout: perhaps somewhere; the consumer of the queue and the
// unique keys of the database make both at once harmless. One that no key guards goes only where
// such a key is: in the queue a second order of the same key would be acknowledged too.
Result<std::string> Orders::write(const Order& order, bool guarded) {
  lists_.note_writer(order.user);
  const Status in_database = shards_.of(order.user).place(order);
  if (in_database) return std::string("database");
  if (in_database.error().code == ErrorCode::kConflict) return tl::unexpected(in_database.error());
  if (!guarded) return tl::unexpected(in_database.error());
  const auto is_unknown = [](const Status& status) {
    return !status && status.error().code == ErrorCode::kTimeout;
  };
  Status in_queue = queue_.publish(kOrderPlaced, order);
  bool perhaps = is_unknown(in_database) || is_unknown(in_queue);
  if (is_unknown(in_queue)) in_queue = queue_.publish(kOrderPlaced, order);
  if (in_queue) return std::string("queue");
  perhaps = perhaps || is_unknown(in_queue);  // a sure failure says nothing of the first try
  return fail(perhaps ? ErrorCode::kTimeout : ErrorCode::kUnavailable,
              cat(in_database.error().message, "; ", in_queue.error().message));
}

HttpResponse Orders::show(const HttpRequest& request) {
  const std::string& order = request.captures[0];
  const auto user = request.query.find("user");
  if (user == request.query.end()) {
    return refusal(400, "invalid", "query parameter `user` is missing");
  }
  const auto found = look_up(order, user->second);
  if (!found) return error_response(found.error());
  if (!*found || (*found)->order.user != user->second) {
    return refusal(404, "not_found", "no such order");
  }
  const Hold& hold = **found;
  const std::string state = public_state(hold.state);
  nlohmann::json body = {
      {"order", order},
      {"state", state},
      {"product", hold.order.product},
      {"amount_cents", hold.order.amount_cents},
      {"card_key", hold.card_key.empty() ? nlohmann::json() : nlohmann::json(hold.card_key)},
      {"message", message_for(state)}};
  add_coupon(hold.order, body);
  return json_response(body);
}

HttpResponse Orders::history(const HttpRequest& request) {
  const auto user = request.query.find("user");
  if (user == request.query.end() || !is_id(user->second)) {
    return refusal(400, "invalid", "query parameter `user` is missing or no user id");
  }
  const auto found = lists_.of(user->second);
  if (!found) return error_response(found.error());
  nlohmann::json list = nlohmann::json::array();
  for (const StoredOrder& stored : *found) {
    list.push_back({{"order", stored.order.order},
                    {"state", public_state(stored.state)},
                    {"product", stored.order.product},
                    {"amount_cents", stored.order.amount_cents},
                    {"placed_at_us", stored.order.placed_at_us}});
  }
  return json_response({{"orders", list}});
}

Result<std::optional<Hold>> Orders::look_up(const std::string& order, const std::string& user) {
  auto held = stock_.find(order);
  ++(held && *held ? cache_hits_ : cache_misses_);
  if (held && *held) return held;
  const std::string question = cat(user, "\n", order);  // the user says which shard is asked
  if (held && is_known_unknown(question)) return held;
  ASSIGN_OR_RETURN(const std::optional<StoredOrder> stored, shards_.of(user).find(order));
  // Without Redis an order that still waits in the queue cannot be seen: that is no "not found".
  if (!stored && held) {
    const std::lock_guard lock(unknown_mutex_);
    unknown_orders_.add(question, SystemClock().mono());
  }
  if (!stored) return held;
  return std::optional<Hold>({.order = stored->order,
                              .state = stored->state,
                              .durable = "database",
                              .card_key = stored->card_key,
                              .epoch = {}});
}

bool Orders::is_known_unknown(const std::string& question) {
  const std::lock_guard lock(unknown_mutex_);
  const bool known = unknown_orders_.contains(question, SystemClock().mono());
  unknown_hits_ += known;
  return known;
}

HttpResponse Orders::products() const {
  const auto catalog = catalog_.read();
  if (catalog->empty()) return refusal(503, "starting", "the catalogue is not loaded yet");
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [product, entry] : *catalog) {
    list.push_back({{"product", product},
                    {"title", entry.title},
                    {"price_cents", entry.price_cents},
                    {"free", entry.free}});
  }
  return json_response({{"products", list}});
}

Health Orders::health() const {
  if (catalog_.read()->empty()) return {false, "catalogue"};
  if (!redis_up_) return {false, "redis"};
  if (databases_up_ == 0 && !queue_.connected()) return {false, "database and queue"};
  return {true, ""};
}

nlohmann::json Orders::status() const {
  nlohmann::json status = {{"cache_l2_hits", cache_hits_.load()},
                           {"cache_l2_misses", cache_misses_.load()},
                           {"unknown_orders_hits", unknown_hits_.load()},
                           {"placed", placed_.load()},
                           {"placed_in_queue", placed_in_queue_.load()},
                           {"refused", refused_.load()},
                           {"unknown", unknown_.load()},
                           {"sold_out", sold_out_.load()},
                           {"databases_up", databases_up_.load()},
                           {"redis_up", redis_up_ ? 1 : 0},
                           {"queue_up", queue_.connected() ? 1 : 0}};
  shards_.add_to(status);
  stock_.add_to(status);
  keeper_.add_to(status);
  lists_.add_to(status);
  if (coupons_) {
    status["coupons_granted"] = coupons_->granted();
    status["coupons_unavailable"] = coupons_->unavailable();
  }
  return status;
}

void Orders::check_dependencies() {
  redis_up_ = load_catalog().has_value();
  databases_up_ = shards_.count_up();
}

// The goods and what is left of them. Kept as it is while Redis does not answer.
Status Orders::load_catalog() {
  ASSIGN_OR_RETURN(const std::string text, stock_.catalog());
  if (text.empty()) {  // setup has not run yet; or Redis lost it
    return catalog_.read()->empty() ? Status() : publish_catalog({shards_, queue_, stock_});
  }
  ASSIGN_OR_RETURN(const nlohmann::json json, parse_json(text));
  Catalog catalog;
  for (const auto& item : json) {
    const std::string product = item.value("product", "");
    ASSIGN_OR_RETURN(const auto count, stock_.count(product, SoftStock::Read::kMayLag));
    catalog[product] = {.title = item.value("title", ""),
                        .price_cents = item.value("price_cents", std::int64_t{0}),
                        .free = count ? count->free : 0};
  }
  catalog_.publish(std::move(catalog));
  return {};
}

std::vector<std::string> Orders::products_for_sale() const {
  std::vector<std::string> products;
  const auto catalog = catalog_.read();
  for (const auto& [product, entry] : *catalog) products.push_back(product);
  return products;
}

void Orders::write_late() {
  if (config_.durability != Durability::kAfterAck) return;
  for (const Late& late : late_.take_all(SystemClock().mono())) {
    std::this_thread::sleep_until(late.at);
    if (auto written = write(late.order, true); !written) {
      log_error(cat(late.order.order, " was acknowledged and is lost: ", written.error().message));
    }
  }
}

void add_orders_routes(Orders& service, HttpServer& server, const OrdersConfig& config) {
  const auto route = [&](const char* method, const char* path, HttpServer::Handler handler) {
    server.route(method, path, in_time(config.deadline, std::move(handler)));
  };
  route("POST", "/api/orders", [&](const HttpRequest& r) { return service.place(r); });
  route("GET", "/api/orders/{order}", [&](const HttpRequest& r) { return service.show(r); });
  route("GET", "/api/orders", [&](const HttpRequest& r) { return service.history(r); });
  route("GET", "/api/products", [&](const HttpRequest&) { return service.products(); });
}

}  // namespace

int run_orders(const RoleContext& context) {
  return run_service<Orders, OrdersConfig>(context, read_orders_config, add_orders_routes);
}

}  // namespace panshi::shop
