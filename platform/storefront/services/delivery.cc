// SPDX-License-Identifier: Apache-2.0
// delivery: follows payment.succeeded: gets the order its card key and counts it as sold.
//
// It tells the card-key service the whole paid order and waits for no other consumer: a card key
// needs only that service and the order's shard. Every step may be repeated, and a message is
// acknowledged only after the last one, so each paid order is delivered exactly once whatever dies
// in between. Several workers take one message at a time: one frozen call holds up one order.
#include <atomic>

#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/services/background.h"
#include "platform/storefront/services/config.h"
#include "platform/storefront/services/consumer.h"
#include "platform/storefront/services/delivery_wait.h"
#include "platform/storefront/services/run_service.h"
#include "platform/storefront/services/services.h"
#include "platform/storefront/stores/http_upstream.h"
#include "platform/storefront/stores/queue.h"
#include "platform/storefront/stores/stock.h"

namespace panshi::shop {
namespace {

constexpr int kAsksMax = 3;  // in a row, before the message goes back to the queue

class Delivery {
 public:
  explicit Delivery(const DeliveryConfig& config);
  Health health() const;
  nlohmann::json status();

 private:
  Handled deliver(const Order& order);
  // The card key; or, when there is none, what to do with the message.
  tl::expected<std::string, Handled> ask_for_key(const Order& order);
  void check_dependencies();

  const DeliveryConfig config_;
  SoftStock stock_;
  ShopQueue queue_;
  HttpUpstream cardkeys_;
  std::mutex mutex_;
  DeliveryWait wait_;  // guarded by mutex_
  std::atomic<std::int64_t> delivered_{0}, dry_{0}, queue_depth_{0};
  Background check_dependencies_;  // last: these use the members above
  Consumer consumer_;
};

Delivery::Delivery(const DeliveryConfig& config)
    : config_(config),
      stock_(redis_options(config.redis)),
      queue_(nats_options(config.queue, "delivery"), config.queue.replicas),
      cardkeys_({.name = "cardkeys",
                 .base = cat("http://", config.cardkeys.host, ":", config.cardkeys.port),
                 .timeout = config.cardkeys_timeout,
                 // Never open: a paid order must have its key, and asking is what shows the fault.
                 .breaker = {.failures_max = std::numeric_limits<int>::max()}}),
      check_dependencies_(milliseconds(500), [this] { check_dependencies(); }),
      consumer_(queue_,
                {.name = "delivery",
                 .event = kPaymentSucceeded,
                 .workers = static_cast<int>(config.workers)},
                [this](const ShopEvent& event) { return deliver(event.order); }) {}

Handled Delivery::deliver(const Order& order) {
  const auto card_key = ask_for_key(order);
  if (!card_key) return card_key.error();
  if (auto counted = stock_.delivered(order, *card_key); !counted) {
    log_warn(cat(order.order, " not noted in redis: ", counted.error().message));
    return Handled::later();
  }
  ++delivered_;
  return {};
}

// A cut connection (the route was changed, the service died) is asked again at once: the service
// gives the same key however often it is asked.
tl::expected<std::string, Handled> Delivery::ask_for_key(const Order& order) {
  {
    const std::lock_guard lock(mutex_);
    wait_.asked(order.order, SystemClock().mono());
  }
  for (int ask = 0; ask < kAsksMax && !consumer_.stopping(); ++ask) {
    const auto reply = cardkeys_.call({.method = "POST",
                                       .path = "/allocate",
                                       .body = dump_json({{"order", order.order},
                                                          {"user", order.user},
                                                          {"product", order.product},
                                                          {"paid", to_json(order)}})});
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
    return tl::unexpected(Handled::later(dry ? seconds(5) : seconds(0)));
  }
  return tl::unexpected(Handled::later(milliseconds(20)));  // nobody answered: it still waits
}

void Delivery::check_dependencies() {
  const auto nats = queue_.connection();
  if (!nats) return;
  if (const auto counts = nats->counts(kStream, "delivery")) {
    queue_depth_ = static_cast<std::int64_t>(counts->pending + counts->unacknowledged);
  }
}

Health Delivery::health() const {
  if (!queue_.connected()) return {false, "queue"};
  return {true, ""};
}

nlohmann::json Delivery::status() {
  nlohmann::json status = {{"delivered", delivered_.load()},
                           {"dry", dry_.load()},
                           {"queue_depth", queue_depth_.load()},
                           {"queue_lag_delivery", queue_depth_.load()},
                           {"cardkeys_failures", cardkeys_.failures()},
                           {"queue_up", queue_.connected() ? 1 : 0}};
  consumer_.add_status(status);
  stock_.add_to(status);
  const std::lock_guard lock(mutex_);
  status["cardkeys_delivery_latency_ms"] = wait_.latency_ms(SystemClock().mono());
  status["waiting_for_key"] = wait_.waiting();
  return status;
}

}  // namespace

int run_delivery(const RoleContext& context) {
  return run_service<Delivery, DeliveryConfig>(context, read_delivery_config);
}

}  // namespace panshi::shop
