// SPDX-License-Identifier: Apache-2.0
// orders-worker: keeps the books of orders after the events: order.placed makes the order's row
// (its shard was away when it was placed), payment.succeeded marks it paid. And it publishes what
// the shards' outboxes hold.
#include <atomic>

#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/services/background.h"
#include "platform/storefront/services/config.h"
#include "platform/storefront/services/consumer.h"
#include "platform/storefront/services/queue_lag.h"
#include "platform/storefront/services/run_service.h"
#include "platform/storefront/services/services.h"
#include "platform/storefront/stores/shards.h"

namespace panshi::shop {
namespace {

constexpr std::int64_t kOutboxPage = 100;

Handled after(const Status& done) {
  if (done) return {};
  if (done.error().code == ErrorCode::kConflict) return Handled::broken(done.error().message);
  return Handled::later();
}

Consumer::Options options(const char* name, const char* event) {
  return {.name = name, .event = event, .batch = 32, .linger = milliseconds(50)};
}

class OrdersWorker {
 public:
  explicit OrdersWorker(const OrdersWorkerConfig& config)
      : shards_(mariadb_options(config.database),
                static_cast<std::size_t>(config.database.connections)),
        queue_(nats_options(config.queue, "orders-worker"), config.queue.replicas),
        check_(milliseconds(500), [this] { databases_up_ = shards_.count_up(); }),
        relay_(config.relay_every, [this] { relay(); }),
        placed_(queue_, options("orders-placed", kOrderPlaced),
                [this](const ShopEvent& event) {
                  return after(shards_.of(event.order.user).place(event.order));
                }),
        paid_(queue_, options("orders-paid", kPaymentSucceeded), [this](const ShopEvent& event) {
          return after(shards_.of(event.order.user).mark_paid(event.order));
        }) {}

  Health health() const {
    if (!queue_.connected()) return {false, "queue"};
    if (databases_up_ == 0) return {false, "database"};
    return {true, ""};
  }
  nlohmann::json status() const {
    nlohmann::json status = {{"relayed", relayed_.load()},
                             {"databases_up", databases_up_.load()},
                             {"queue_up", queue_.connected() ? 1 : 0}};
    placed_.add_status(status);
    shards_.add_to(status);
    paid_.add_status(status);
    lag_.add_to(status);
    return status;
  }

 private:
  void relay() {
    if (!queue_.connected()) return;
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      if (const Status done = relay_shard(shards_.at(i)); !done && done.error().message != said_) {
        said_ = done.error().message;
        log_warn(cat("outbox: ", said_));
      }
    }
  }

  // Rows go only after their events are stored; the events' ids make a repeat harmless.
  Status relay_shard(ShopDatabase& shard) {
    ASSIGN_OR_RETURN(const auto rows, shard.read_outbox(kOutboxPage));
    std::vector<std::int64_t> told;
    Status status;
    for (const auto& row : rows) {
      status = queue_.publish(row.subject, row.order);
      if (!status) break;
      told.push_back(row.id);
    }
    if (told.empty()) return status;
    if (auto removed = shard.remove_outbox(told); !removed) return removed;
    relayed_ += static_cast<std::int64_t>(told.size());
    return status;
  }

  Shards shards_;
  ShopQueue queue_;
  std::string said_;  // thread of the relay only
  std::atomic<std::size_t> databases_up_{0};
  std::atomic<std::int64_t> relayed_{0};
  Background check_;  // these use the members above
  Background relay_;
  Consumer placed_;
  Consumer paid_;
  QueueLag lag_{queue_, std::vector<std::string>{"orders-placed", "orders-paid"}};
};

}  // namespace

int run_orders_worker(const RoleContext& context) {
  return run_service<OrdersWorker, OrdersWorkerConfig>(context, read_orders_worker_config);
}

}  // namespace panshi::shop
