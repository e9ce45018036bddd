// SPDX-License-Identifier: Apache-2.0
// cardkeys: gives each paid order its card key. Any number of these may run on one pool of keys:
// the database decides, in one procedure call (stores/schema.cc), so a process that freezes here
// holds no lock, and asking another one instead gives the same key.
#include <atomic>
#include <future>
#include <map>

#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/services/background.h"
#include "platform/storefront/services/config.h"
#include "platform/storefront/services/run_service.h"
#include "platform/storefront/services/services.h"
#include "platform/storefront/stores/shards.h"

namespace panshi::shop {
namespace {

constexpr std::size_t kDeliveredAtOnceMax = 1'000;

class Cardkeys {
 public:
  explicit Cardkeys(const CardkeysConfig& config)
      : shards_(mariadb_options(config.database),
                static_cast<std::size_t>(config.database.connections)),
        health_check_(milliseconds(500), [this] { databases_up_ = shards_.count_up(); }) {}

  // Many paid orders at once, as their events tell them. The shards work side by side, so that one
  // that is slow holds up no other's orders for longer than the call lasts.
  HttpResponse deliver(const HttpRequest& request) {
    const auto orders = read_paid(request.body);
    if (!orders) return error_response(orders.error());
    std::map<ShopDatabase*, std::vector<std::size_t>> by_shard;
    for (std::size_t i = 0; i < orders->size(); ++i) {
      by_shard[&shards_.of((*orders)[i].user)].push_back(i);
    }
    nlohmann::json answers(std::vector<nlohmann::json>(orders->size()));
    std::vector<std::future<void>> others;
    for (auto group = std::next(by_shard.begin()); group != by_shard.end(); ++group) {
      others.push_back(std::async(std::launch::async, [&, group] {
        deliver_from(*group->first, group->second, *orders, answers);
      }));
    }
    deliver_from(*by_shard.begin()->first, by_shard.begin()->second, *orders, answers);
    others.clear();  // waits for them
    return json_response({{"orders", answers}});
  }

  Health health() const {
    if (databases_up_ == 0) return {false, "database"};
    return {true, ""};
  }
  nlohmann::json status() const {
    nlohmann::json status = {{"allocations", allocated_.load()},
                             {"failures", failed_.load()},
                             {"refills", refills_.load()},
                             {"databases_up", databases_up_.load()}};
    shards_.add_to(status);
    return status;
  }

 private:
  static Result<std::vector<Order>> read_paid(const std::string& body) {
    ASSIGN_OR_RETURN(const nlohmann::json json, parse_json(body));
    const auto list = json.find("orders");
    if (list == json.end() || !list->is_array() || list->empty() ||
        list->size() > kDeliveredAtOnceMax) {
      return fail(ErrorCode::kInvalid, cat("orders: must be 1 to ", kDeliveredAtOnceMax));
    }
    std::vector<Order> orders;
    for (const nlohmann::json& each : *list) {
      ASSIGN_OR_RETURN(Order order, order_from_json(each));
      if (order.paid_at_us == 0) return fail(ErrorCode::kInvalid, "orders: must be paid");
      orders.push_back(std::move(order));
    }
    return orders;
  }

  // The shard's answers, each at its order's place.
  void deliver_from(ShopDatabase& shard, const std::vector<std::size_t>& places,
                    const std::vector<Order>& orders, nlohmann::json& answers) {
    std::vector<Order> together;
    for (const std::size_t place : places) together.push_back(orders[place]);
    const auto keys = shard.deliver_paid(together, SystemClock().wall());
    const bool is_away = !keys && (keys.error().code == ErrorCode::kUnavailable ||
                                   keys.error().code == ErrorCode::kTimeout);
    for (std::size_t i = 0; i < places.size(); ++i) {
      const Order& order = together[i];
      auto key = keys ? Result<ShopDatabase::Allocation>((*keys)[i]) : tl::unexpected(keys.error());
      // One that is wrong must not keep the others from theirs.
      if (keys ? is_dry(*key) : !is_away) key = deliver_alone(shard, order);
      answers[places[i]] = answer_for(order, key);
    }
  }
  // A shard whose pool is dry is asked once more after it got keys from another one.
  Result<ShopDatabase::Allocation> deliver_alone(ShopDatabase& shard, const Order& order) {
    ASSIGN_OR_RETURN(const auto keys, shard.deliver_paid({order}, SystemClock().wall()));
    if (!is_dry(keys.at(0))) return keys[0];
    ASSIGN_OR_RETURN(const std::int64_t moved, shards_.refill(order.user, order.product));
    if (moved == 0) return keys[0];
    ++refills_;
    ASSIGN_OR_RETURN(const auto again, shard.deliver_paid({order}, SystemClock().wall()));
    return again.at(0);
  }
  nlohmann::json answer_for(const Order& order, const Result<ShopDatabase::Allocation>& key) {
    if (key && key->outcome == ShopDatabase::Allocated::kOk) {
      ++allocated_;
      return {{"order", order.order}, {"card_key", key->card_key}};
    }
    ++failed_;
    if (!key) log_warn(cat("key for ", order.order, ": ", key.error().message));
    return {{"order", order.order}, {"code", key ? code_of(key->outcome) : "database"}};
  }
  static const char* code_of(ShopDatabase::Allocated outcome) {
    switch (outcome) {
      case ShopDatabase::Allocated::kDry:
        return "dry";
      case ShopDatabase::Allocated::kOtherwise:
        return "charged_otherwise";
      case ShopDatabase::Allocated::kNoOrder:
        return "no_order";
      default:
        return "not_paid";
    }
  }
  static bool is_dry(const ShopDatabase::Allocation& key) {
    return key.outcome == ShopDatabase::Allocated::kDry;
  }

  Shards shards_;
  std::atomic<std::size_t> databases_up_{0};
  std::atomic<std::int64_t> refills_{0};
  std::atomic<std::int64_t> allocated_{0};
  std::atomic<std::int64_t> failed_{0};
  Background health_check_;  // last: uses the members above
};

void add_cardkeys_routes(Cardkeys& service, HttpServer& server, const CardkeysConfig&) {
  server.route("POST", "/deliver", in_time(kPatienceMax, [&](const HttpRequest& request) {
                 return service.deliver(request);
               }));
}

}  // namespace

int run_cardkeys(const RoleContext& context) {
  return run_service<Cardkeys, CardkeysConfig>(context, read_cardkeys_config, add_cardkeys_routes);
}

}  // namespace panshi::shop
