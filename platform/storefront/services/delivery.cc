// SPDX-License-Identifier: Apache-2.0
// delivery: follows payment.succeeded: gets the order its card key and counts it as sold.
//
// It tells the card-key service the whole paid order and waits for no other consumer: a card key
// needs only that service and the order's shard. Every step may be repeated, and a message is
// acknowledged only after the last one, so each paid order is delivered exactly once whatever dies
// in between. Several workers take messages side by side, each of as many orders as were paid
// together: in a rush many orders are one call and, on each shard, one commit.
#include <algorithm>
#include <atomic>

#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/base/trace.h"
#include "platform/storefront/model/recent_set.h"
#include "platform/storefront/services/background.h"
#include "platform/storefront/services/config.h"
#include "platform/storefront/services/consumer.h"
#include "platform/storefront/services/delivery_wait.h"
#include "platform/storefront/services/missing_orders.h"
#include "platform/storefront/services/run_service.h"
#include "platform/storefront/services/services.h"
#include "platform/storefront/stores/http_upstream.h"
#include "platform/storefront/stores/queue.h"
#include "platform/storefront/stores/stock.h"

namespace panshi::shop {
namespace {

constexpr int kAsksMax = 3;  // in a row, before the message goes back to the queue
constexpr std::size_t kRefusedMax = 10'000;
constexpr const char* kSpan = "delivery: payment.succeeded";

class Delivery {
 public:
  explicit Delivery(const DeliveryConfig& config);
  Health health() const;
  nlohmann::json status();

 private:
  std::vector<Handled> deliver(const std::vector<ShopEvent>& events);
  Handled note(const Order& order, const nlohmann::json& answer, bool none_comes);
  Handled note_no_key(const Order& order, const std::string& code, bool none_comes);
  bool none_comes(const std::vector<ShopEvent>& events);
  // What the card-key service says of each order: {"order"} and {"card_key"} or {"code"}.
  std::optional<nlohmann::json> ask_for_keys(const std::vector<ShopEvent>& events);
  void check_dependencies();

  const DeliveryConfig config_;
  SoftStock stock_;
  ShopQueue queue_;
  HttpUpstream cardkeys_;
  std::mutex mutex_;
  DeliveryWait wait_;               // guarded by mutex_
  MissingOrders missing_;           // guarded by mutex_
  RecentSet refused_{kRefusedMax};  // guarded by mutex_; each is counted once
  std::atomic<std::int64_t> delivered_{0}, dry_{0}, charged_otherwise_{0}, queue_depth_{0};
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
      missing_({.within = config.order_within}),
      check_dependencies_(milliseconds(500), [this] { check_dependencies(); }),
      consumer_(queue_,
                {.name = "delivery",
                 .event = kPaymentSucceeded,
                 .workers = static_cast<int>(config.workers)},
                [this](const std::vector<ShopEvent>& events) { return deliver(events); }) {}

std::vector<Handled> Delivery::deliver(const std::vector<ShopEvent>& events) {
  {
    const std::lock_guard lock(mutex_);
    for (const ShopEvent& event : events) wait_.asked(event.order.order, SystemClock().mono());
  }
  const bool no_row_comes = none_comes(events);
  std::optional<nlohmann::json> answers;
  {  // one call for all, told in the trace of the first
    const SpanScope span = SpanScope::server(kSpan, events.front().trace);
    answers = ask_for_keys(events);
  }
  std::vector<Handled> handled;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (!answers) {  // nobody answered: they still wait
      handled.push_back(Handled::later(milliseconds(20)));
      continue;
    }
    const SpanScope span = SpanScope::server(kSpan, events[i].trace);
    handled.push_back(note(events[i].order, (*answers)[i], no_row_comes));
  }
  return handled;
}

// Of no order that was missing already could a row be made any more when this was asked. One that
// was paid is in the queue, if anywhere, before its payment is.
bool Delivery::none_comes(const std::vector<ShopEvent>& events) {
  {
    const std::lock_guard lock(mutex_);
    const bool missed = std::any_of(events.begin(), events.end(), [&](const ShopEvent& event) {
      return missing_.has(event.order.order);
    });
    if (!missed) return false;
  }
  const auto nats = queue_.connection();
  if (!nats) return false;
  const auto counts = nats->counts(kStream, kPlacedConsumer);
  return counts && counts->pending + counts->unacknowledged == 0;
}

Handled Delivery::note_no_key(const Order& order, const std::string& code, bool none_comes) {
  const std::lock_guard lock(mutex_);
  wait_.excused(order.order);
  if (code == "dry") {
    ++dry_;
    return Handled::later(seconds(5));
  }
  const bool is_missing = code == "no_order";
  if (!is_missing) missing_.found(order.order);
  const bool was_refused = refused_.contains(order.order);  // in a message that others hold up
  const bool is_refused = is_missing ? was_refused || missing_.is_given_up(order.order, none_comes,
                                                                           SystemClock().mono())
                                     : code == "charged_otherwise" || code == "not_paid";
  if (!is_refused) return Handled::later();
  if (!was_refused) {
    refused_.add(order.order);
    ++charged_otherwise_;
    log_error(cat(order.order, " is not delivered for its charge ", order.charge, " of ",
                  order.amount_cents, " cents: ", code));
  }
  return Handled::refused(cat("its charge of ", order.amount_cents, " cents pays for no order"));
}

Handled Delivery::note(const Order& order, const nlohmann::json& answer, bool none_comes) {
  const std::string card_key = answer.value("card_key", "");
  if (card_key.empty()) return note_no_key(order, answer.value("code", ""), none_comes);
  {
    const std::lock_guard lock(mutex_);
    missing_.found(order.order);
    wait_.delivered(order.order, SystemClock().mono());
  }
  if (auto counted = stock_.delivered(order, card_key); !counted) {
    log_warn(cat(order.order, " not noted in redis: ", counted.error().message));
    return Handled::later();
  }
  ++delivered_;
  return {};
}

// A cut connection (the route was changed, the service died) is asked again at once: the service
// gives the same keys however often it is asked.
std::optional<nlohmann::json> Delivery::ask_for_keys(const std::vector<ShopEvent>& events) {
  nlohmann::json orders = nlohmann::json::array();
  for (const ShopEvent& event : events) orders.push_back(to_json(event.order));
  const std::string body = dump_json({{"orders", orders}});
  for (int ask = 0; ask < kAsksMax && !consumer_.stopping(); ++ask) {
    const auto reply = cardkeys_.call({.method = "POST", .path = "/deliver", .body = body});
    if (!reply) continue;
    const auto answer = parse_json(reply->body);
    if (reply->status == 200 && answer && answer->is_object()) {
      const auto list = answer->find("orders");
      if (list != answer->end() && list->is_array() && list->size() == events.size()) return *list;
    }
    // It answered, and the fault is not that it cannot be reached.
    return nlohmann::json(std::vector<nlohmann::json>(events.size(), nlohmann::json::object()));
  }
  return std::nullopt;
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
                           {"charged_otherwise", charged_otherwise_.load()},
                           {"queue_depth", queue_depth_.load()},
                           {"queue_lag_delivery", queue_depth_.load()},
                           {"cardkeys_failures", cardkeys_.failures()},
                           {"queue_up", queue_.connected() ? 1 : 0}};
  consumer_.add_status(status);
  stock_.add_to(status);
  const std::lock_guard lock(mutex_);
  status["cardkeys_delivery_latency_ms"] = wait_.latency_ms(SystemClock().mono());
  status["waiting_for_key"] = wait_.waiting();
  status["waiting_for_row"] = missing_.size();
  return status;
}

}  // namespace

int run_delivery(const RoleContext& context) {
  return run_service<Delivery, DeliveryConfig>(context, read_delivery_config);
}

}  // namespace panshi::shop
