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

constexpr int kReturnBatch = 200;
constexpr std::size_t kDeliveredAtOnceMax = 1'000;

class Cardkeys {
 public:
  explicit Cardkeys(const CardkeysConfig& config)
      : config_(config),
        shards_(mariadb_options(config.database),
                static_cast<std::size_t>(config.database.connections)),
        health_check_(milliseconds(500), [this] { databases_up_ = shards_.count_up(); }),
        return_overdue_(config.sweep_every, [this] { return_overdue(); }) {}

  HttpResponse allocate(const HttpRequest& request) {
    const auto wish = read_wish(request.body);
    if (!wish) return error_response(wish.error());
    ShopDatabase& shard = shards_.of(wish->user);
    const WallTime now = SystemClock().wall();
    const auto allocated = or_refill(
        wish->user, wish->product,
        [&] { return shard.allocate_key(wish->order, wish->product, now); }, is_dry);
    if (!allocated) return no_database(wish->order, allocated.error());
    switch (allocated->outcome) {
      case ShopDatabase::Allocated::kDry:
        return dry(*wish);
      case ShopDatabase::Allocated::kNotPaid:
        ++failed_;
        return refusal(409, "not_paid", cat("order ", wish->order, " is not paid"));
      case ShopDatabase::Allocated::kOk:
        break;
    }
    ++allocated_;
    return json_response({{"card_key", allocated->card_key}});
  }

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

  // Which key it is is not told: it can still go back.
  HttpResponse reserve(const HttpRequest& request) {
    const auto wish = read_wish(request.body);
    if (!wish) return error_response(wish.error());
    ShopDatabase& shard = shards_.of(wish->user);
    const WallTime until = SystemClock().wall() + config_.reserve_time;
    const auto reserved = or_refill(
        wish->user, wish->product,
        [&] { return shard.reserve_key(wish->order, wish->product, until); },
        [](ShopDatabase::Reserved outcome) { return outcome == ShopDatabase::Reserved::kDry; });
    if (!reserved) return no_database(wish->order, reserved.error());
    if (*reserved == ShopDatabase::Reserved::kDry) return dry(*wish);
    if (*reserved == ShopDatabase::Reserved::kNoOrder) {
      ++failed_;
      return refusal(409, "no_order", cat("no order ", wish->order, " that waits for its payment"));
    }
    ++reserved_;
    return json_response({{"order", wish->order}, {"until_us", to_us(until)}});
  }

  HttpResponse cancel(const HttpRequest& request) {
    const auto wish = read_wish(request.body);
    if (!wish) return error_response(wish.error());
    const auto cancelled = shards_.of(wish->user).cancel_key(wish->order);
    if (!cancelled) return no_database(wish->order, cancelled.error());
    if (!*cancelled) return refusal(409, "paid", "a paid order keeps its key");
    return json_response({{"order", wish->order}});
  }

  Health health() const {
    if (databases_up_ == 0) return {false, "database"};
    return {true, ""};
  }
  nlohmann::json status() const {
    nlohmann::json status = {{"allocations", allocated_.load()},
                             {"failures", failed_.load()},
                             {"refills", refills_.load()},
                             {"reservations", reserved_.load()},
                             {"reservations_returned", returned_.load()},
                             {"databases_up", databases_up_.load()}};
    shards_.add_to(status);
    return status;
  }

 private:
  struct Wish {
    std::string order;
    std::string user;
    std::string product;
  };
  static Result<Wish> read_wish(const std::string& body) {
    ASSIGN_OR_RETURN(const nlohmann::json json, parse_json(body, 4'096));
    Problems problems;
    Wish wish;
    Fields in(json, "", problems);
    in.need("order", wish.order);
    in.need("user", wish.user);
    in.need("product", wish.product);
    in.done();
    if (!problems.empty()) return tl::unexpected(problems.error());
    return wish;
  }
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
      Result<ShopDatabase::Allocation> key = tl::unexpected(Error{});
      if (keys) key = (*keys)[i];
      if (is_away) key = tl::unexpected(keys.error());
      // One that is wrong must not keep the others from theirs.
      if ((!keys && !is_away) || (keys && is_dry(*key))) key = deliver_alone(shard, order);
      answers[places[i]] = answer_for(order, key);
    }
  }
  Result<ShopDatabase::Allocation> deliver_alone(ShopDatabase& shard, const Order& order) {
    return or_refill(
        order.user, order.product,
        [&]() -> Result<ShopDatabase::Allocation> {
          ASSIGN_OR_RETURN(const auto keys, shard.deliver_paid({order}, SystemClock().wall()));
          return keys.at(0);
        },
        is_dry);
  }
  nlohmann::json answer_for(const Order& order, const Result<ShopDatabase::Allocation>& key) {
    if (key && key->outcome == ShopDatabase::Allocated::kOk) {
      ++allocated_;
      return {{"order", order.order}, {"card_key", key->card_key}};
    }
    ++failed_;
    if (!key) log_warn(cat("key for ", order.order, ": ", key.error().message));
    return {{"order", order.order},
            {"code", !key           ? "database"
                     : is_dry(*key) ? "dry"
                                    : "not_paid"}};
  }
  static bool is_dry(const ShopDatabase::Allocation& key) {
    return key.outcome == ShopDatabase::Allocated::kDry;
  }

  HttpResponse no_database(const std::string& order, const Error& error) {
    ++failed_;
    log_warn(cat("key for ", order, ": ", error.message));
    return refusal(503, "database", error.message);
  }
  HttpResponse dry(const Wish& wish) {
    ++failed_;
    return refusal(409, "dry", cat("no card key left of ", wish.product));
  }

  // A shard whose pool is dry asks once more after it got keys from another one.
  template <class Ask, class IsDry>
  auto or_refill(const std::string& user, const std::string& product, Ask ask, IsDry is_none)
      -> decltype(ask()) {
    auto answer = ask();
    if (!answer || !is_none(*answer)) return answer;
    ASSIGN_OR_RETURN(const std::int64_t moved, shards_.refill(user, product));
    if (moved == 0) return answer;
    ++refills_;
    return ask();
  }

  void return_overdue() {
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      const auto returned = shards_.at(i).return_overdue_keys(SystemClock().wall(), kReturnBatch);
      if (returned) returned_ += *returned;
    }
  }

  const CardkeysConfig config_;
  Shards shards_;
  std::atomic<std::size_t> databases_up_{0};
  std::atomic<std::int64_t> refills_{0};
  std::atomic<std::int64_t> allocated_{0};
  std::atomic<std::int64_t> failed_{0};
  std::atomic<std::int64_t> reserved_{0};
  std::atomic<std::int64_t> returned_{0};
  Background health_check_;  // these use the members above
  Background return_overdue_;
};

void add_routes(Cardkeys& service, HttpServer& server, const CardkeysConfig&) {
  const auto route = [&](const char* path, HttpServer::Handler handler) {
    server.route("POST", path, in_time(kPatienceMax, std::move(handler)));
  };
  route("/deliver", [&](const HttpRequest& r) { return service.deliver(r); });
  route("/allocate", [&](const HttpRequest& r) { return service.allocate(r); });
  route("/reserve", [&](const HttpRequest& r) { return service.reserve(r); });
  route("/cancel", [&](const HttpRequest& r) { return service.cancel(r); });
}

}  // namespace

int run_cardkeys(const RoleContext& context) {
  return run_service<Cardkeys, CardkeysConfig>(context, read_cardkeys_config, add_routes);
}

}  // namespace panshi::shop
