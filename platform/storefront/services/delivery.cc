// SPDX-License-Identifier: Apache-2.0
// delivery: follows the queue. order.placed makes the order's row (the database was away when it
// was placed); payment.succeeded marks it paid, gets its card key and counts it as sold.
//
// Every step may be repeated, and a message is acknowledged only after the last one, so each paid
// order is delivered exactly once whatever dies in between. Several workers take one message at a
// time: one frozen call holds up one order.
#include <atomic>
#include <list>

#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/services/background.h"
#include "platform/storefront/services/config.h"
#include "platform/storefront/services/delivery_wait.h"
#include "platform/storefront/services/services.h"
#include "platform/storefront/stores/http_upstream.h"
#include "platform/storefront/stores/queue.h"
#include "platform/storefront/stores/shards.h"
#include "platform/storefront/stores/stock.h"

namespace panshi::shop {
namespace {

constexpr Duration kFetchWait = milliseconds(500);
// Longer than handling takes at worst; a process that died gives its messages back after this.
constexpr Duration kAckWait = seconds(6);
constexpr int kAsksMax = 3;  // in a row, before the message goes back to the queue

NatsVerdict retry_after(Duration wait) {
  return {.kind = NatsVerdict::Kind::kRetry, .retry_after = wait};
}
// 100 ms, doubling up to 1.6 s.
NatsVerdict retry_backed_off(const NatsMessage& message) {
  return retry_after(milliseconds(100) * (1 << std::min<std::uint64_t>(message.delivered - 1, 4)));
}

Result<Order> order_in(const NatsMessage& message) {
  ASSIGN_OR_RETURN(const nlohmann::json json, parse_json(message.body));
  return order_from_json(json);
}

class Delivery {
 public:
  explicit Delivery(const DeliveryConfig& config);
  ~Delivery() { stopping_ = true; }
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  Health health() const;
  nlohmann::json status();

 private:
  using Handle = NatsVerdict (Delivery::*)(const Order&, const NatsMessage&);
  void work(const char* consumer, const char* subject, Handle handle);
  NatsVerdict on_placed(const Order& order, const NatsMessage& message);
  NatsVerdict on_paid(const Order& order, const NatsMessage& message);
  // The card key; or, when there is none, what to do with the message.
  tl::expected<std::string, NatsVerdict> ask_for_key(const Order& order,
                                                     const NatsMessage& message);
  void check_dependencies();

  const DeliveryConfig config_;
  Shards shards_;
  SoftStock stock_;
  ShopQueue queue_;
  HttpUpstream cardkeys_;
  std::mutex mutex_;
  DeliveryWait wait_;  // guarded by mutex_
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> databases_up_{0};
  std::atomic<std::int64_t> delivered_{0}, retried_{0}, dry_{0}, written_from_queue_{0},
      queue_depth_{0};
  std::list<Background> workers_;  // last: they use the members above
};

Delivery::Delivery(const DeliveryConfig& config)
    : config_(config),
      shards_(mariadb_options(config.database),
              static_cast<std::size_t>(config.database.connections)),
      stock_(redis_options(config.redis), static_cast<std::size_t>(config.redis.connections)),
      queue_(nats_options(config.queue, "delivery"), config.queue.replicas),
      cardkeys_({.name = "cardkeys",
                 .base = cat("http://", config.cardkeys.host, ":", config.cardkeys.port),
                 .timeout = config.cardkeys_timeout,
                 // Never open: a paid order must have its key, and asking is what shows the fault.
                 .breaker = {.failures_max = std::numeric_limits<int>::max()}}) {
  workers_.emplace_back(milliseconds(200), [this] { check_dependencies(); });
  workers_.emplace_back(milliseconds(20),
                        [this] { work(kPlacedConsumer, kOrderPlaced, &Delivery::on_placed); });
  for (std::int64_t i = 0; i < config.workers; ++i) {
    workers_.emplace_back(milliseconds(20),
                          [this] { work(kPaidConsumer, kPaymentSucceeded, &Delivery::on_paid); });
  }
}

// Handles messages until the queue fails or we stop; called again after a pause.
void Delivery::work(const char* consumer, const char* subject, Handle handle) {
  const auto handle_message = [&](const NatsMessage& message) -> NatsVerdict {
    const auto order = order_in(message);
    if (!order) {
      log_error(cat("message ", message.stream_sequence, " given up: ", order.error().message));
      return {.kind = NatsVerdict::Kind::kTerminate};
    }
    const NatsVerdict verdict = (this->*handle)(*order, message);
    if (verdict.kind == NatsVerdict::Kind::kRetry) ++retried_;
    return verdict;
  };
  const auto nats = queue_.connection();
  while (nats && !stopping_) {
    const auto handled =
        nats->consume(kStream, consumer, subject, 1, kFetchWait, kAckWait, handle_message);
    if (!handled) {
      log_warn(cat(consumer, ": ", handled.error().message));
      return;
    }
  }
}

NatsVerdict Delivery::on_placed(const Order& order, const NatsMessage& message) {
  const Status placed = shards_.of(order.user).place(order);
  if (!placed && placed.error().code != ErrorCode::kConflict) return retry_backed_off(message);
  if (!placed) {  // the key was in the database for another request: nothing to deliver here
    log_error(cat(order.order, " from the queue: ", placed.error().message));
  }
  ++written_from_queue_;
  return {};
}

NatsVerdict Delivery::on_paid(const Order& order, const NatsMessage& message) {
  if (auto marked = shards_.of(order.user).mark_paid(order); !marked) {
    const std::lock_guard lock(mutex_);
    wait_.excused(order.order);
    return retry_backed_off(message);
  }
  const auto card_key = ask_for_key(order, message);
  if (!card_key) return card_key.error();
  if (auto counted = stock_.delivered(order, *card_key); !counted) {
    log_warn(cat(order.order, " not noted in redis: ", counted.error().message));
    return retry_backed_off(message);
  }
  ++delivered_;
  return {};
}

// A cut connection (the route was changed, the service died) is asked again at once: the service
// gives the same key however often it is asked.
tl::expected<std::string, NatsVerdict> Delivery::ask_for_key(const Order& order,
                                                             const NatsMessage& message) {
  {
    const std::lock_guard lock(mutex_);
    wait_.asked(order.order, SystemClock().mono());
  }
  for (int ask = 0; ask < kAsksMax && !stopping_; ++ask) {
    const auto reply = cardkeys_.call(
        {.method = "POST",
         .path = "/allocate",
         .body = dump_json(
             {{"order", order.order}, {"user", order.user}, {"product", order.product}})});
    if (!reply) continue;
    const auto body = parse_json(reply->body);
    const bool readable = body && body->is_object();
    const std::lock_guard lock(mutex_);
    if (reply->status == 200 && readable && body->contains("card_key")) {
      wait_.delivered(order.order, SystemClock().mono());
      return body->value("card_key", "");
    }
    wait_.excused(order.order);
    const bool dry = readable && body->value("code", "") == "dry";
    if (dry) ++dry_;
    return tl::unexpected(dry ? retry_after(seconds(5)) : retry_backed_off(message));
  }
  return tl::unexpected(retry_after(milliseconds(20)));  // nobody answered: it still waits
}

void Delivery::check_dependencies() {
  databases_up_ = shards_.count_up();
  const auto nats = queue_.connection();
  if (!nats) return;
  std::int64_t depth = 0;
  for (const char* consumer : {kPlacedConsumer, kPaidConsumer}) {
    if (const auto counts = nats->counts(kStream, consumer)) {
      depth += static_cast<std::int64_t>(counts->pending + counts->unacknowledged);
    }
  }
  queue_depth_ = depth;
}

Health Delivery::health() const {
  if (!queue_.connected()) return {false, "queue"};
  if (databases_up_ == 0) return {false, "database"};
  return {true, ""};
}

nlohmann::json Delivery::status() {
  nlohmann::json status = {{"delivered", delivered_.load()},
                           {"retried", retried_.load()},
                           {"dry", dry_.load()},
                           {"written_from_queue", written_from_queue_.load()},
                           {"queue_depth", queue_depth_.load()},
                           {"cardkeys_failures", cardkeys_.failures()},
                           {"databases_up", databases_up_.load()},
                           {"queue_up", queue_.connected() ? 1 : 0}};
  const std::lock_guard lock(mutex_);
  status["cardkeys_delivery_latency_ms"] = wait_.latency_ms(SystemClock().mono());
  status["waiting_for_key"] = wait_.waiting();
  return status;
}

}  // namespace

int run_delivery(const RoleContext& context) {
  if (!refuse_arguments(context)) return kExitUsage;
  const auto read = read_config<DeliveryConfig>(context, read_delivery_config);
  if (!read.config) return read.exit_status;
  Delivery delivery(*read.config);
  HttpServer server(server_options(read.config->listen));
  return serve_until_stopped(
      context.role, server, [&] { return delivery.health(); }, [&] { return delivery.status(); });
}

}  // namespace panshi::shop
