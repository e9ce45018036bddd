// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/services/follower.h"

#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/base/trace.h"

namespace panshi::shop {
namespace {

constexpr std::int64_t kPageMax = 1'000;
constexpr int kBatch = 256;
constexpr Duration kLinger = milliseconds(100);  // nobody waits for what is written here

}  // namespace

Follower::Follower(const std::string& role, const FollowerConfig& config, Inbox inbox)
    : inbox_(std::move(inbox)),
      queue_(nats_options(config.queue, role), config.queue.replicas),
      role_(role),
      lag_(queue_, {role}),
      // One copy of where it stands is enough: should that be lost, everything comes once more, and
      // the inbox knows it. While its server is away it waits; nobody waits for it.
      consumer_(queue_,
                {.name = role, .event = "", .batch = kBatch, .linger = kLinger, .replicas = 1},
                [this](const std::vector<ShopEvent>& events) { return take(events); }) {}

std::vector<Handled> Follower::take(const std::vector<ShopEvent>& events) {
  std::vector<InboxEvent> inbox_events;
  for (const ShopEvent& event : events) inbox_events.push_back({event.event, event.order});
  const Status taken = inbox_.take(inbox_events, SystemClock().wall());
  for (const ShopEvent& event : events) {
    SpanScope span = SpanScope::server(cat(role_, ": ", event.event), event.trace);
    span.set_outcome(taken ? "taken" : taken.error().message);
  }
  if (taken) return std::vector<Handled>(events.size());
  log_warn(cat(events.size(), " events not taken down: ", taken.error().message));
  return std::vector<Handled>(events.size(), Handled::later());
}

Health Follower::health() const {
  if (!queue_.connected()) return {false, "queue"};
  return {true, ""};
}

nlohmann::json Follower::status() {
  nlohmann::json status = {{"rows", inbox_.count().value_or(-1)},
                           {"queue_up", queue_.connected() ? 1 : 0}};
  consumer_.add_status(status);
  lag_.add_to(status);
  return status;
}

HttpResponse Follower::list(const HttpRequest& request) {
  const auto rows = inbox_.read(query_number(request, "after", 0),
                                std::min(kPageMax, query_number(request, "limit", kPageMax)),
                                query_text(request, "user"));
  if (!rows) return error_response(rows.error());
  nlohmann::json list = nlohmann::json::array();
  for (const InboxRow& row : *rows) {
    list.push_back({{"seq", row.seq},
                    {"subject", row.subject},
                    {"order", row.order},
                    {"user", row.user},
                    {"product", row.product},
                    {"amount_cents", row.amount_cents},
                    {"at_us", row.at_us}});
  }
  return json_response({{"rows", list}});
}

}  // namespace panshi::shop
