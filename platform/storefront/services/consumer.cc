// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/services/consumer.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/base/trace.h"

namespace panshi::shop {
namespace {

constexpr Duration kFetchWait = std::chrono::milliseconds(500);
constexpr Duration kPauseAfterFailure = std::chrono::milliseconds(20);

NatsVerdict retry(const NatsMessage& message, Duration wait) {
  const std::uint64_t doublings = std::min<std::uint64_t>(message.delivered - 1, 4);
  if (wait == Duration::zero()) wait = std::chrono::milliseconds(100) * (1 << doublings);
  return {.kind = NatsVerdict::Kind::kRetry, .retry_after = wait};
}

}  // namespace

Consumer::Consumer(const ShopQueue& queue, Options options, Handle handle)
    : queue_(queue), options_(options), handle_(std::move(handle)) {
  for (int i = 0; i < options.workers; ++i) {
    threads_.emplace_back(kPauseAfterFailure, [this] { work(); });
  }
}

// Handles messages until the queue fails or we stop; called again after a pause.
void Consumer::work() {
  const auto nats = queue_.connection();
  while (nats && !stopping_) {
    const auto handled = nats->consume(
        kStream, options_.name, subjects_of(options_.event), 1, kFetchWait, options_.ack_wait,
        [this](const NatsMessage& message) { return judge(message); });
    if (!handled) {
      log_warn(cat(options_.name, ": ", handled.error().message));
      return;
    }
  }
}

NatsVerdict Consumer::judge(const NatsMessage& message) {
  const bool is_mine = message.subject == subject_for_all(options_.event) ||
                       message.subject == subject_for(options_.event, options_.name);
  if (!is_mine) return {};  // a replay for another consumer
  SpanScope span = SpanScope::server(cat(options_.name, ": ", options_.event), message.trace);
  const auto order = parse_json(message.body).and_then(order_from_json);
  const Handled handled = order ? handle_(*order) : Handled::broken(order.error().message);
  switch (handled.kind) {
    case Handled::Kind::kDone:
      ++handled_;
      return {};
    case Handled::Kind::kLater:
      ++retried_;
      return retry(message, handled.wait);
    case Handled::Kind::kBroken:
      break;
  }
  if (order && message.delivered < options_.tries_max) {
    ++retried_;
    return retry(message, {});
  }
  return bury(message, handled.why);
}

// Only once the dead letter is stored is the message given up.
NatsVerdict Consumer::bury(const NatsMessage& message, const std::string& why) {
  log_error(cat(options_.name, ": message ", message.stream_sequence, " given up: ", why));
  const nlohmann::json letter = {{"consumer", options_.name},
                                 {"event", options_.event},
                                 {"sequence", message.stream_sequence},
                                 {"tries", message.delivered},
                                 {"why", why},
                                 {"at_us", to_us(SystemClock().wall())},
                                 {"body", message.body}};
  const auto nats = queue_.connection();
  const Status stored = nats->publish(kDead + std::string(options_.name), dump_json(letter),
                                      cat("dead:", options_.name, ":", message.stream_sequence));
  if (!stored) return retry(message, {});
  ++dead_;
  return {.kind = NatsVerdict::Kind::kTerminate};
}

void Consumer::add_status(nlohmann::json& status) const {
  const std::string name = options_.name;
  status[name + "_handled"] = handled_.load();
  status[name + "_retried"] = retried_.load();
  status[name + "_dead"] = dead_.load();
}

}  // namespace panshi::shop
