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

class OrdersWorker {
 public:
  explicit OrdersWorker(const OrdersWorkerConfig& config)
      : shards_(mariadb_options(config.database),
                static_cast<std::size_t>(config.database.connections)),
        queue_(nats_options(config.queue, "orders-worker"), config.queue.replicas),
        check_(milliseconds(200), [this] { databases_up_ = shards_.count_up(); }),
        relay_(config.relay_every, [this] { relay(); }),
        placed_(queue_, {.name = "orders-placed", .event = kOrderPlaced},
                [this](const Order& order) { return after(shards_.of(order.user).place(order)); }),
        paid_(
            queue_, {.name = "orders-paid", .event = kPaymentSucceeded, .workers = 2},
            [this](const Order& order) { return after(shards_.of(order.user).mark_paid(order)); }) {
  }

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
    paid_.add_status(status);
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

  // A row goes only after its event is stored; the event's id makes a repeat harmless.
  Status relay_shard(ShopDatabase& shard) {
    ASSIGN_OR_RETURN(const auto rows, shard.read_outbox(kOutboxPage));
    for (const auto& row : rows) {
      ASSIGN_OR_RETURN(const auto stored, shard.find(row.order));
      if (!stored) return fail(ErrorCode::kInternal, cat("no order ", row.order));
      if (auto told = queue_.publish(row.subject, stored->order); !told) return told;
      if (auto removed = shard.remove_outbox(row.id); !removed) return removed;
      ++relayed_;
    }
    return {};
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
};

}  // namespace

int run_orders_worker(const RoleContext& context) {
  if (!refuse_arguments(context)) return kExitUsage;
  const auto read = read_config<OrdersWorkerConfig>(context, read_orders_worker_config);
  if (!read.config) return read.exit_status;
  OrdersWorker worker(*read.config);
  HttpServer server(server_options(read.config->listen));
  return serve_until_stopped(
      context.role, server, [&] { return worker.health(); }, [&] { return worker.status(); });
}

}  // namespace panshi::shop
