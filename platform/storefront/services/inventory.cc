// SPDX-License-Identifier: Apache-2.0
// inventory: follows payment.succeeded: what was held for the order is its own from now on, however
// long its card key takes.
#include <atomic>
#include <map>
#include <set>

#include "platform/storefront/base/trace.h"
#include "platform/storefront/services/background.h"
#include "platform/storefront/services/config.h"
#include "platform/storefront/services/consumer.h"
#include "platform/storefront/services/queue_lag.h"
#include "platform/storefront/services/run_service.h"
#include "platform/storefront/services/services.h"
#include "platform/storefront/stores/stock.h"

namespace panshi::shop {
namespace {

class Inventory {
 public:
  explicit Inventory(const InventoryConfig& config)
      : stock_(redis_options(config.redis)),
        queue_(nats_options(config.queue, "inventory"), config.queue.replicas),
        check_(milliseconds(500), [this] { redis_up_ = stock_.ping().has_value(); }),
        consumer_(queue_,
                  {.name = "inventory",
                   .event = kPaymentSucceeded,
                   .batch = 256,
                   .linger = milliseconds(300),
                   .replicas = 1},
                  [this](const std::vector<ShopEvent>& events) { return confirm(events); }) {}

  Health health() const {
    if (!redis_up_) return {false, "redis"};
    if (!queue_.connected()) return {false, "queue"};
    return {true, ""};
  }
  nlohmann::json status() const {
    nlohmann::json status = {{"redis_up", redis_up_ ? 1 : 0},
                             {"queue_up", queue_.connected() ? 1 : 0}};
    consumer_.add_status(status);
    stock_.add_to(status);
    lag_.add_to(status);
    return status;
  }

 private:
  // Nearly all were confirmed by who took the payment: one look at each product's tells.
  std::vector<Handled> confirm(const std::vector<ShopEvent>& events) {
    std::map<std::string, std::vector<std::string>> by_product;
    for (const ShopEvent& event : events) {
      by_product[event.order.product].push_back(event.order.order);
    }
    std::set<std::string> done;
    for (const auto& [product, orders] : by_product) {
      if (auto paid = stock_.paid_among(product, orders)) done.merge(*paid);
    }
    std::vector<Handled> handled;
    for (const ShopEvent& event : events) {
      const SpanScope span = SpanScope::server("inventory: " + event.event, event.trace);
      const bool confirmed = done.contains(event.order.order) || stock_.confirm(event.order);
      handled.push_back(confirmed ? Handled{} : Handled::later());
    }
    return handled;
  }

  SoftStock stock_;
  ShopQueue queue_;
  std::atomic<bool> redis_up_{false};
  Background check_;  // these use the members above
  Consumer consumer_;
  QueueLag lag_{queue_, std::vector<std::string>{"inventory"}};
};

}  // namespace

int run_inventory(const RoleContext& context) {
  return run_service<Inventory, InventoryConfig>(context, read_inventory_config);
}

}  // namespace panshi::shop
