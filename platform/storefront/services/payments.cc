// SPDX-License-Identifier: Apache-2.0
// payments: extends the hold, charges the provider, stores payment.succeeded in the queue, and only
// then acknowledges. A charge whose event was not stored, because this process or the queue died in
// between, is found in the provider's ledger by the sweep, which publishes it.
#include <atomic>

#include "core/base/clock.h"
#include "core/base/mailbox.h"
#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/model/recent_set.h"
#include "platform/storefront/services/background.h"
#include "platform/storefront/services/config.h"
#include "platform/storefront/services/run_service.h"
#include "platform/storefront/services/services.h"
#include "platform/storefront/services/webhook.h"
#include "platform/storefront/stores/gathered_events.h"
#include "platform/storefront/stores/http_upstream.h"
#include "platform/storefront/stores/queue.h"
#include "platform/storefront/stores/stock.h"

namespace panshi::shop {
namespace {

constexpr std::size_t kRememberedMax = 20'000;
constexpr std::size_t kUnchargedMax = 10'000;  // payments acknowledged ahead of time (after_ack)
constexpr std::size_t kSweepPage = 200;

HttpResponse paid_response(const std::string& order) {
  return json_response({{"order", order}, {"state", "paid"}});
}
std::string text_in(const HttpReply& reply, const char* key) {
  const auto body = parse_json(reply.body);
  return body && body->is_object() ? body->value(key, "") : "";
}

// The last names that were added, for many threads.
class Remembered {
 public:
  void add(const std::string& name) {
    const std::lock_guard lock(mutex_);
    names_.add(name);
  }
  bool has(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    return names_.contains(name);
  }

 private:
  mutable std::mutex mutex_;
  RecentSet names_{kRememberedMax};
};

class Payments {
 public:
  explicit Payments(const PaymentsConfig& config)
      : config_(config),
        stock_(redis_options(config.redis)),
        queue_(nats_options(config.queue, "payments"), config.queue.replicas),
        paid_events_(queue_, kPaymentSucceeded, config.gather),
        psp_({.name = "psp",
              .base = cat("http://", config.psp.host, ":", config.psp.port),
              .timeout = config.charge_timeout}),
        check_dependencies_(milliseconds(500), [this] { redis_up_ = stock_.ping().has_value(); }),
        sweep_(config.sweep_every, [this] { sweep(); }),
        charge_late_(milliseconds(50), [this] { charge_late(); }) {}

  HttpResponse pay(const HttpRequest& request);
  HttpResponse hear_webhook(const HttpRequest& request);
  Health health() const;
  nlohmann::json status() const;

 private:
  struct Wish {  // to pay
    Hold hold;
    std::string key;
    WallTime valid_until;
    MonoTime deadline;
  };
  HttpResponse charge_and_answer(const Wish& wish);
  HttpResponse not_charged(const Wish& wish, const Result<HttpReply>& charged);
  HttpResponse record_and_answer(const Wish& wish, const HttpReply& charged);
  Result<HttpReply> charge(const Wish& wish);
  Status publish(const Order& order);
  void sweep();
  Result<bool> sweep_page(WallTime until);
  std::optional<Order> missing_event(const nlohmann::json& charge);
  bool is_as_ordered(const Order& charged);
  void charge_late();
  HttpResponse settle_by_webhook(const Order& order);
  bool is_known(const std::string& order);  // as paid

  const PaymentsConfig config_;
  SoftStock stock_;
  ShopQueue queue_;
  GatheredEvents paid_events_;  // of kPaymentSucceeded
  HttpUpstream psp_;
  Remembered stored_;         // orders whose event is in the queue: the sweep need not repeat it
  Remembered webhooks_seen_;  // signatures of those that were taken
  std::optional<std::int64_t> swept_after_;  // thread of the sweep only
  std::atomic<bool> redis_up_{false};
  std::atomic<std::int64_t> paid_{0}, declined_{0}, refused_{0}, unknown_{0},
      published_by_sweep_{0}, paid_by_webhook_{0}, webhooks_repeated_{0}, webhooks_declined_{0},
      webhooks_refused_{0}, charged_otherwise_{0};
  struct Late {
    Wish wish;
    MonoTime at;
  };
  Mailbox<Late> late_{kUnchargedMax};
  Background check_dependencies_;  // these use the members above
  Background sweep_;
  Background charge_late_;
};

HttpResponse Payments::pay(const HttpRequest& request) {
  const std::string key = request.header("idempotency-key");
  if (auto fine = check_idempotency_key(key); !fine) return error_response(fine.error());
  const auto wanted = read_pay_request(request.body);
  if (!wanted) return error_response(wanted.error());
  const std::string& order = request.captures[0];
  const WallTime until = wall_now() + config_.pay_window;
  const auto payable = stock_.begin_pay(order, *wanted, wall_now(), until);
  if (!payable) {
    ++refused_;
    return refusal(503, "not_charged", payable.error().message);
  }
  switch (payable->outcome) {
    case SoftStock::PayStart::kUnknownOrder:
      return refusal(404, "not_found", "no such order");
    case SoftStock::PayStart::kExpired:
      return refusal(409, "expired", message_for("expired"));
    case SoftStock::PayStart::kWrongAmount:
      return refusal(409, "wrong_amount",
                     cat("the order costs ", payable->hold.order.amount_cents, " cents"));
    case SoftStock::PayStart::kAlreadyPaid:
      return paid_response(order);
    case SoftStock::PayStart::kStarted:
      break;
  }
  const Wish wish = {.hold = payable->hold,
                     .key = key,
                     .valid_until = until,
                     .deadline = deadline_of(request, config_.deadline)};
  if (config_.durability == Durability::kAfterAck) {
    if (!late_.put({wish, SystemClock().mono() + config_.after_ack_delay})) {
      return refusal(503, "busy", "too many payments are not charged yet");
    }
    ++paid_;
    return paid_response(order);
  }
  return charge_and_answer(wish);
}

HttpResponse Payments::charge_and_answer(const Wish& wish) {
  const auto charged = charge(wish);
  const bool surely_not = charged ? charged->status == 402 || charged->status == 410
                                  : charged.error().code != ErrorCode::kTimeout;
  if (surely_not) return not_charged(wish, charged);
  if (!charged || charged->status >= 500) {
    ++unknown_;
    return refusal(504, "unknown", "not known whether it was charged; repeat with the same key");
  }
  if (charged->status != 200) return refusal(409, text_in(*charged, "code"), "charged otherwise");
  return record_and_answer(wish, *charged);
}

HttpResponse Payments::not_charged(const Wish& wish, const Result<HttpReply>& charged) {
  // Should this fail, the hold waits until the ledger was read, and then expires.
  (void)stock_.end_pay(wish.hold, wall_now() + config_.hold_time);
  if (charged && charged->status == 402) {
    ++declined_;
    return refusal(402, "declined", "the card was declined");
  }
  ++refused_;
  return refusal(503, "not_charged", charged ? "too late" : charged.error().message);
}

HttpResponse Payments::record_and_answer(const Wish& wish, const HttpReply& charged) {
  Order order = wish.hold.order;
  order.charge = text_in(charged, "charge");
  order.paid_at_us = to_us(wall_now());
  Status stored = publish(order);
  if (!stored) stored = publish(order);
  if (!stored) {  // the sweep will publish it
    ++unknown_;
    return refusal(504, "unknown", "charged, and being recorded; repeat with the same key");
  }
  ++paid_;
  if (auto noted = stock_.paid(order); !noted) {  // delivery says it again
    log_warn(cat(order.order, " not noted as paid in redis: ", noted.error().message));
  }
  return paid_response(order.order);
}

Result<HttpReply> Payments::charge(const Wish& wish) {
  return psp_.call({.method = "POST",
                    .path = "/charges",
                    .body = dump_json({{"key", wish.key},
                                       {"order", wish.hold.order.order},
                                       {"user", wish.hold.order.user},
                                       {"amount_cents", wish.hold.order.amount_cents},
                                       {"valid_until_us", to_us(wish.valid_until)},
                                       {"details", to_json(wish.hold.order)}}),
                    .deadline = wish.deadline});
}

Status Payments::publish(const Order& order) {
  auto stored = paid_events_.publish(order);
  if (stored) stored_.add(order.order);
  return stored;
}

// Reads the provider's ledger from where the last sweep ended, ours or another instance's. At its
// end everything charged until `sweep_age` ago has its event, and that time is noted for the holds
// that are being paid.
void Payments::sweep() {
  if (!queue_.connected()) return;
  if (const auto noted = stock_.swept_after()) {
    swept_after_ = std::max(swept_after_.value_or(0), *noted);
  } else if (!swept_after_) {
    return;
  }
  const WallTime until = wall_now() - config_.sweep_age;
  for (bool more = true; more;) {
    const auto page = sweep_page(until);
    if (!page) {
      log_warn(cat("sweep: ", page.error().message));
      return;
    }
    more = *page;
  }
}

// True when there may be another page. Young charges are not asked for: who made them tells of
// them.
Result<bool> Payments::sweep_page(WallTime until) {
  ASSIGN_OR_RETURN(const HttpReply reply,
                   psp_.call({.path = cat("/charges?after=", *swept_after_, "&limit=", kSweepPage,
                                          "&until_us=", to_us(until))}));
  if (reply.status != 200) return fail(ErrorCode::kUnavailable, cat("psp said ", reply.status));
  ASSIGN_OR_RETURN(const nlohmann::json body, parse_json(reply.body, 4 << 20));
  const auto charges = body.find("charges");
  if (charges == body.end() || !charges->is_array()) {
    return fail(ErrorCode::kInvalid, "psp gave no list of charges");
  }
  std::vector<QueuedOrder> missing;
  for (const nlohmann::json& charge : *charges) {
    if (auto order = missing_event(charge)) missing.push_back({*std::move(order), ""});
  }
  if (!missing.empty()) {
    if (auto told = queue_.publish(kPaymentSucceeded, missing); !told) {
      return tl::unexpected(told.error());
    }
    for (const QueuedOrder& each : missing) stored_.add(each.order.order);
    published_by_sweep_ += static_cast<std::int64_t>(missing.size());
  }
  if (!charges->empty()) swept_after_ = charges->back().value("seq", *swept_after_);
  if (charges->size() == kSweepPage) return true;
  if (auto noted = stock_.set_swept(until, *swept_after_); !noted) {
    return tl::unexpected(noted.error());
  }
  return false;
}

// Nothing when its event is in the queue, whoever put it there, or it is no payment of an order.
std::optional<Order> Payments::missing_event(const nlohmann::json& charge) {
  auto order = order_of_charge(charge);
  if (!order) {  // perhaps not ours: somebody else uses this provider too
    log_warn(cat("sweep: a charge that pays no order: ", order.error().message));
    return std::nullopt;
  }
  if (is_known(order->order) || !is_as_ordered(*order)) return std::nullopt;
  return *std::move(order);
}

// What the provider says was paid is compared with what we keep ourselves, while we keep it.
bool Payments::is_as_ordered(const Order& charged) {
  const auto hold = stock_.find(charged.order);
  if (!hold || !*hold) return true;  // its hold is over; its delivery compares with its row
  const Status same = check_with_hold(charged, (*hold)->order);
  if (same) return true;
  ++charged_otherwise_;
  log_error(cat(charged.order, " is not delivered for its charge: ", same.error().message));
  return false;
}

void Payments::charge_late() {
  if (config_.durability != Durability::kAfterAck) return;
  for (Late& late : late_.take_all(SystemClock().mono())) {
    std::this_thread::sleep_until(late.at);
    late.wish.deadline = SystemClock().mono() + config_.deadline;
    const HttpResponse answer = charge_and_answer(late.wish);
    if (answer.status != 200) {
      log_error(cat(late.wish.hold.order.order, " was acknowledged, then: ", answer.body));
    }
  }
}

// What the provider says by itself. It comes late, twice and in any order: a charge makes the order
// paid unless it is already, and that a card was declined changes nothing, for the same order may
// have been paid with another one since; its hold ends by itself.
HttpResponse Payments::hear_webhook(const HttpRequest& request) {
  const std::string signature = request.header(kWebhookSignature);
  const Status good = check_webhook(
      {.time = request.header(kWebhookTime), .signature = signature, .body = request.body},
      config_.webhook_secret, wall_now(), config_.webhook_tolerance);
  if (!good) {
    ++webhooks_refused_;
    return refusal(401, "not_the_provider", good.error().message);
  }
  if (webhooks_seen_.has(signature)) {  // the provider signs each try anew
    ++webhooks_refused_;
    return refusal(409, "replayed", "this very message was taken before");
  }
  const auto news = read_webhook(request.body);
  if (!news) {
    ++webhooks_refused_;
    return error_response(news.error());
  }
  HttpResponse answer = json_response({{"order", news->order.order}, {"state", "noted"}});
  if (news->type == kChargeSucceeded) {
    answer = settle_by_webhook(news->order);
  } else {
    ++webhooks_declined_;
  }
  if (answer.status == 200) webhooks_seen_.add(signature);
  return answer;
}

// It is noted as paid only after its event was stored.
bool Payments::is_known(const std::string& order) {
  if (stored_.has(order)) return true;
  const auto hold = stock_.find(order);
  return hold && *hold && ((*hold)->state == "paid" || (*hold)->state == "delivered");
}

HttpResponse Payments::settle_by_webhook(const Order& order) {
  if (is_known(order.order)) {
    ++webhooks_repeated_;
    return paid_response(order.order);
  }
  if (!is_as_ordered(order)) return refusal(409, "charged_otherwise", "that is not what it costs");
  if (auto stored = publish(order); !stored) {  // the provider will say it again
    return refusal(503, "not_stored", stored.error().message);
  }
  ++paid_by_webhook_;
  if (auto noted = stock_.confirm(order); !noted) {  // delivery says it again
    log_warn(cat(order.order, " not noted as paid in redis: ", noted.error().message));
  }
  return paid_response(order.order);
}

Health Payments::health() const {
  if (!redis_up_) return {false, "redis"};
  if (!queue_.connected()) return {false, "queue"};
  return {true, ""};
}

nlohmann::json Payments::status() const {
  nlohmann::json status = {{"paid", paid_.load()},
                           {"declined", declined_.load()},
                           {"refused", refused_.load()},
                           {"unknown", unknown_.load()},
                           {"published_by_sweep", published_by_sweep_.load()},
                           {"charged_otherwise", charged_otherwise_.load()},
                           {"paid_by_webhook", paid_by_webhook_.load()},
                           {"webhooks_repeated", webhooks_repeated_.load()},
                           {"webhooks_declined", webhooks_declined_.load()},
                           {"webhooks_refused", webhooks_refused_.load()},
                           {"psp_up", psp_.closed() ? 1 : 0},
                           {"redis_up", redis_up_ ? 1 : 0},
                           {"queue_up", queue_.connected() ? 1 : 0}};
  stock_.add_to(status);
  return status;
}

void add_payments_routes(Payments& service, HttpServer& server, const PaymentsConfig& config) {
  server.route(
      "POST", "/api/orders/{order}/pay",
      in_time(config.deadline, [&](const HttpRequest& request) { return service.pay(request); }));
  server.route("POST", kWebhookPath, in_time(config.deadline, [&](const HttpRequest& request) {
                 return service.hear_webhook(request);
               }));
}

}  // namespace

int run_payments(const RoleContext& context) {
  return run_service<Payments, PaymentsConfig>(context, read_payments_config, add_payments_routes);
}

}  // namespace panshi::shop
