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

class Cardkeys {
 public:
  explicit Cardkeys(const CardkeysConfig& config)
      : shards_(mariadb_options(config.database),
                static_cast<std::size_t>(config.database.connections)),
        health_check_(milliseconds(500), [this] { databases_up_ = shards_.count_up(); }) {}

  HttpResponse allocate(const HttpRequest& request) {
    const auto body = parse_json(request.body, 4'096);
    if (!body) return error_response(body.error());
    Problems problems;
    std::string order;
    std::string user;
    std::string product;
    Fields in(*body, "", problems);
    in.need("order", order);
    in.need("user", user);
    in.need("product", product);
    in.done();
    if (!problems.empty()) return error_response(problems.error());

    const auto allocated = allocate_or_refill(order, user, product);
    if (!allocated) {
      ++failed_;
      log_warn(cat("key for ", order, ": ", allocated.error().message));
      return refusal(503, "database", allocated.error().message);
    }
    switch (allocated->outcome) {
      case ShopDatabase::Allocated::kDry:
        ++failed_;
        return refusal(409, "dry", cat("no card key left of ", product));
      case ShopDatabase::Allocated::kNotPaid:
        ++failed_;
        return refusal(409, "not_paid", cat("order ", order, " is not paid"));
      case ShopDatabase::Allocated::kOk:
        break;
    }
    ++allocated_;
    return json_response({{"card_key", allocated->card_key}});
  }

  Health health() const {
    if (databases_up_ == 0) return {false, "database"};
    return {true, ""};
  }
  nlohmann::json status() const {
    return {{"allocations", allocated_.load()},
            {"failures", failed_.load()},
            {"refills", refills_.load()},
            {"databases_up", databases_up_.load()}};
  }

 private:
  // A shard whose pool is dry asks once more after it got keys from another one.
  Result<ShopDatabase::Allocation> allocate_or_refill(const std::string& order,
                                                      const std::string& user,
                                                      const std::string& product) {
    ShopDatabase& shard = shards_.of(user);
    const WallTime now = SystemClock().wall();
    auto allocated = shard.allocate_key(order, product, now);
    if (!allocated || allocated->outcome != ShopDatabase::Allocated::kDry) return allocated;
    ASSIGN_OR_RETURN(const std::int64_t moved, shards_.refill(user, product));
    if (moved == 0) return allocated;
    ++refills_;
    return shard.allocate_key(order, product, now);
  }

  Shards shards_;
  std::atomic<std::size_t> databases_up_{0};
  std::atomic<std::int64_t> refills_{0};
  std::atomic<std::int64_t> allocated_{0};
  std::atomic<std::int64_t> failed_{0};
  Background health_check_;  // last: uses the members above
};

void add_routes(Cardkeys& service, HttpServer& server, const CardkeysConfig&) {
  server.route("POST", "/allocate", in_time(kPatienceMax, [&](const HttpRequest& request) {
                 return service.allocate(request);
               }));
}

}  // namespace

int run_cardkeys(const RoleContext& context) {
  return run_service<Cardkeys, CardkeysConfig>(context, read_cardkeys_config, add_routes);
}

}  // namespace panshi::shop
