// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/services/consumer.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/base/trace.h"

namespace panshi::shop {
namespace {

constexpr Duration kFetchWait = std::chrono::seconds(1);  // a stop waits for it
constexpr Duration kPauseAfterFailure = std::chrono::milliseconds(20);

NatsVerdict retry(const NatsMessage& message, Duration wait) {
  const std::uint64_t doublings = std::min<std::uint64_t>(message.delivered - 1, 4);
  if (wait == Duration::zero()) wait = std::chrono::milliseconds(100) * (1 << doublings);
  return {.kind = NatsVerdict::Kind::kRetry, .retry_after = wait};
}

// Without the consumer's own part: "payment.succeeded" of "payment.succeeded.all".
std::string event_of(const std::string& subject) { return subject.substr(0, subject.rfind('.')); }

Consumer::HandleBatch one_by_one(const std::string& name, Consumer::HandleEach handle) {
  return [name, handle = std::move(handle)](const std::vector<ShopEvent>& events) {
    std::vector<Handled> answers;
    for (const ShopEvent& event : events) {
      const SpanScope span = SpanScope::server(cat(name, ": ", event.event), event.trace);
      answers.push_back(handle(event));
    }
    return answers;
  };
}

}  // namespace

Consumer::Consumer(const ShopQueue& queue, Options options, HandleEach handle)
    : Consumer(queue, options, one_by_one(options.name, std::move(handle))) {}

Consumer::Consumer(const ShopQueue& queue, Options options, HandleBatch handle)
    : queue_(queue), options_(std::move(options)), handle_(std::move(handle)) {
  for (int i = 0; i < options_.workers; ++i) {
    threads_.emplace_back(kPauseAfterFailure, [this] { work(); });
  }
}

// Handles messages until the queue fails or we stop; called again after a pause.
void Consumer::work() {
  const Nats::Pull pull = {
      .stream = kStream,
      .durable = options_.name,
      .subject_filter = options_.event.empty() ? kEverySubject : subjects_of(options_.event),
      .batch = options_.batch,
      .wait = kFetchWait,
      .linger = options_.linger,
      .ack_wait = options_.ack_wait,
      .replicas = options_.replicas};
  const auto nats = queue_.connection();
  while (nats && !stopping_) {
    const auto handled = nats->consume(
        pull, [this](const std::vector<NatsMessage>& messages) { return judge(messages); });
    if (!handled) {
      log_warn(cat(options_.name, ": ", handled.error().message));
      return;
    }
  }
}

std::vector<NatsVerdict> Consumer::judge(const std::vector<NatsMessage>& messages) {
  std::vector<NatsVerdict> verdicts(messages.size());  // acknowledged, unless told otherwise
  std::vector<ShopEvent> events;
  struct Part {
    std::size_t message;       // among `messages`
    std::size_t first, count;  // of its events
  };
  std::vector<Part> parts;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const NatsMessage& message = messages[i];
    const std::string event = event_of(message.subject);
    if (message.subject != subject_for_all(event) &&
        message.subject != subject_for(event, options_.name)) {
      continue;  // a replay for another consumer
    }
    auto orders = orders_in(message.body, message.trace);
    if (!orders) {
      verdicts[i] = bury(message, "", message.body, orders.error().message);
      continue;
    }
    parts.push_back({i, events.size(), orders->size()});
    for (QueuedOrder& each : *orders) {
      events.push_back({event, std::move(each.order), std::move(each.trace)});
    }
  }
  if (events.empty()) return verdicts;
  const std::vector<Handled> handled = handle_(events);
  CHECK_BUG(handled.size() == events.size());
  for (const Part& part : parts) {
    verdicts[part.message] =
        decide(messages[part.message], std::span(events).subspan(part.first, part.count),
               std::span(handled).subspan(part.first, part.count));
  }
  return verdicts;
}

// A message comes again as long as one of its events wants it; the others are then handled once
// more, which is harmless. An event that is given up becomes a dead letter of its own.
NatsVerdict Consumer::decide(const NatsMessage& message, std::span<const ShopEvent> events,
                             std::span<const Handled> handled) {
  const auto wants_retry = [&](const Handled& each) {
    return each.kind == Handled::Kind::kLater ||
           (each.kind == Handled::Kind::kBroken && message.delivered < options_.tries_max);
  };
  if (const auto first = std::find_if(handled.begin(), handled.end(), wants_retry);
      first != handled.end()) {
    ++retried_;
    return retry(message, first->kind == Handled::Kind::kLater ? first->wait : Duration::zero());
  }
  NatsVerdict verdict;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (handled[i].kind == Handled::Kind::kDone) {
      ++handled_;
      continue;
    }
    verdict =
        bury(message, events[i].order.order, dump_json(to_json(events[i].order)), handled[i].why);
    if (verdict.kind == NatsVerdict::Kind::kRetry) return verdict;
  }
  return verdict;
}

// Only once the dead letter is stored is the message given up.
NatsVerdict Consumer::bury(const NatsMessage& message, const std::string& order,
                           const std::string& body, const std::string& why) {
  log_error(cat(options_.name, ": message ", message.stream_sequence, " given up: ", why));
  const nlohmann::json letter = {{"consumer", options_.name},
                                 {"event", event_of(message.subject)},
                                 {"sequence", message.stream_sequence},
                                 {"tries", message.delivered},
                                 {"why", why},
                                 {"at_us", to_us(SystemClock().wall())},
                                 {"body", body}};
  const auto nats = queue_.connection();
  const Status stored =
      nats->publish(kDead + options_.name, dump_json(letter),
                    cat("dead:", options_.name, ":", message.stream_sequence, ":", order));
  if (!stored) return retry(message, {});
  ++dead_;
  return {.kind = NatsVerdict::Kind::kTerminate};
}

void Consumer::add_status(nlohmann::json& status) const {
  const std::string& name = options_.name;
  status[name + "_handled"] = handled_.load();
  status[name + "_retried"] = retried_.load();
  status[name + "_dead"] = dead_.load();
}

}  // namespace panshi::shop
