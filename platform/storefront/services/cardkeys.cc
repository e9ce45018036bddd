// SPDX-License-Identifier: Apache-2.0
// cardkeys: gives each paid order its card key. Any number of these may run on one pool of keys:
// the database decides, in one procedure call (stores/schema.cc), so a process that freezes here
// holds no lock, and asking another one instead gives the same key.
#include <atomic>

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
        *wish,
        [&] {
          return wish->paid ? shard.deliver_paid(*wish->paid, now)
                            : shard.allocate_key(wish->order, wish->product, now);
        },
        [](const auto& key) { return key.outcome == ShopDatabase::Allocated::kDry; });
    if (!allocated) return no_database(*wish, allocated.error());
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

  // Which key it is is not told: it can still go back.
  HttpResponse reserve(const HttpRequest& request) {
    const auto wish = read_wish(request.body);
    if (!wish) return error_response(wish.error());
    ShopDatabase& shard = shards_.of(wish->user);
    const WallTime until = SystemClock().wall() + config_.reserve_time;
    const auto reserved = or_refill(
        *wish, [&] { return shard.reserve_key(wish->order, wish->product, until); },
        [](ShopDatabase::Reserved outcome) { return outcome == ShopDatabase::Reserved::kDry; });
    if (!reserved) return no_database(*wish, reserved.error());
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
    if (!cancelled) return no_database(*wish, cancelled.error());
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
    std::optional<Order> paid;  // as its event tells it; absent: the database must know it as paid
  };
  static Result<Wish> read_wish(const std::string& body) {
    ASSIGN_OR_RETURN(const nlohmann::json json, parse_json(body, 4'096));
    Problems problems;
    Wish wish;
    Fields in(json, "", problems);
    in.need("order", wish.order);
    in.need("user", wish.user);
    in.need("product", wish.product);
    if (const nlohmann::json* paid = in.may_value("paid")) {
      ASSIGN_OR_RETURN(wish.paid, order_from_json(*paid));
      if (wish.paid->order != wish.order || wish.paid->user != wish.user ||
          wish.paid->product != wish.product || wish.paid->paid_at_us == 0) {
        in.problem("paid", "must be the paid order itself");
      }
    }
    in.done();
    if (!problems.empty()) return tl::unexpected(problems.error());
    return wish;
  }
  HttpResponse no_database(const Wish& wish, const Error& error) {
    ++failed_;
    log_warn(cat("key for ", wish.order, ": ", error.message));
    return refusal(503, "database", error.message);
  }
  HttpResponse dry(const Wish& wish) {
    ++failed_;
    return refusal(409, "dry", cat("no card key left of ", wish.product));
  }

  // A shard whose pool is dry asks once more after it got keys from another one.
  template <class Ask, class IsDry>
  auto or_refill(const Wish& wish, Ask ask, IsDry is_dry) -> decltype(ask()) {
    auto answer = ask();
    if (!answer || !is_dry(*answer)) return answer;
    ASSIGN_OR_RETURN(const std::int64_t moved, shards_.refill(wish.user, wish.product));
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
  route("/allocate", [&](const HttpRequest& r) { return service.allocate(r); });
  route("/reserve", [&](const HttpRequest& r) { return service.reserve(r); });
  route("/cancel", [&](const HttpRequest& r) { return service.cancel(r); });
}

}  // namespace

int run_cardkeys(const RoleContext& context) {
  return run_service<Cardkeys, CardkeysConfig>(context, read_cardkeys_config, add_routes);
}

}  // namespace panshi::shop
