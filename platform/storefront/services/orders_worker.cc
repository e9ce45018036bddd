// SPDX-License-Identifier: Apache-2.0
// orders-worker: keeps the books of orders after the events: order.placed makes the order's row
// (its shard was away when it was placed), payment.succeeded marks it paid. And it publishes what
// the shards' outboxes hold.
#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/base/trace.h"
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

// An order whose key comes at once is marked by that: here are left those that must wait for one.
constexpr Duration kKeyComesWithin = milliseconds(300);
constexpr Duration kPaidLinger = milliseconds(300);
constexpr int kPaidBatch = 256;

Consumer::Options options(const char* name, const char* event, Duration linger) {
  return {.name = name, .event = event, .batch = kPaidBatch, .linger = linger};
}

class OrdersWorker {
 public:
  explicit OrdersWorker(const OrdersWorkerConfig& config)
      : shards_(mariadb_options(config.database),
                static_cast<std::size_t>(config.database.connections)),
        queue_(nats_options(config.queue, "orders-worker"), config.queue.replicas),
        check_(milliseconds(500), [this] { databases_up_ = shards_.count_up(); }),
        relay_(config.relay_every, [this] { relay(); }),
        placed_(queue_, options(kPlacedConsumer, kOrderPlaced, milliseconds(50)),
                [this](const ShopEvent& event) {
                  return after(shards_.of(event.order.user).place(event.order));
                }),
        paid_(queue_, options("orders-paid", kPaymentSucceeded, kPaidLinger),
              [this](const std::vector<ShopEvent>& events) { return mark_paid(events); }) {}

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
  // One look for all of a shard; a shard that is away holds up only its own.
  std::vector<Handled> mark_paid(const std::vector<ShopEvent>& events) {
    wait_for_keys(events);
    std::map<ShopDatabase*, std::vector<std::string>> by_shard;
    for (const ShopEvent& event : events) {
      by_shard[&shards_.of(event.order.user)].push_back(event.order.order);
    }
    std::set<std::string> done;
    std::map<ShopDatabase*, Status> looked;
    for (const auto& [shard, orders] : by_shard) {
      auto paid = shard->paid_among(orders);
      looked[shard] = paid ? Status() : Status(tl::unexpected(paid.error()));
      if (paid) done.merge(*paid);
    }
    std::vector<Handled> handled;
    for (const ShopEvent& event : events) {
      const SpanScope span = SpanScope::server("orders-paid: " + event.event, event.trace);
      ShopDatabase& shard = shards_.of(event.order.user);
      if (done.contains(event.order.order)) {
        handled.emplace_back();
      } else {
        handled.push_back(after(looked[&shard] ? mark(shard, event.order) : looked[&shard]));
      }
    }
    return handled;
  }

  // What is not paid by its charge is for delivery to tell, which looks at all of them.
  static Status mark(ShopDatabase& shard, const Order& order) {
    const auto marked = shard.mark_paid(order);
    if (!marked) return tl::unexpected(marked.error());
    return {};
  }

  // Until the last that was paid should have its key.
  static void wait_for_keys(const std::vector<ShopEvent>& events) {
    WallTime last{};
    for (const ShopEvent& each : events) last = std::max(last, from_us(each.order.paid_at_us));
    const Duration young = last + kKeyComesWithin - SystemClock().wall();
    std::this_thread::sleep_for(std::min(young, kKeyComesWithin));  // clocks may differ
  }

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
    std::map<std::string, std::vector<QueuedOrder>> events;
    std::vector<std::int64_t> ids;
    for (const auto& row : rows) {
      events[row.subject].push_back({row.order, ""});
      ids.push_back(row.id);
    }
    if (ids.empty()) return {};
    for (const auto& [event, orders] : events) {
      if (auto stored = queue_.publish(event, orders); !stored) return stored;
    }
    if (auto removed = shard.remove_outbox(ids); !removed) return removed;
    relayed_ += static_cast<std::int64_t>(ids.size());
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
  QueueLag lag_{queue_, std::vector<std::string>{"orders-placed", "orders-paid"}};
};

}  // namespace

int run_orders_worker(const RoleContext& context) {
  return run_service<OrdersWorker, OrdersWorkerConfig>(context, read_orders_worker_config);
}

}  // namespace panshi::shop
