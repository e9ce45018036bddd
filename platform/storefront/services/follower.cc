// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/services/follower.h"

#include <array>
#include <charconv>

#include "core/base/text.h"
#include "core/io/log.h"

namespace panshi::shop {
namespace {

constexpr std::int64_t kPageMax = 1'000;
constexpr std::array<std::pair<const char*, const char*>, 3> kEvents = {
    {{"placed", kOrderPlaced}, {"paid", kPaymentSucceeded}, {"delivered", kOrderDelivered}}};

std::string query_text(const HttpRequest& request, const char* name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? std::string() : found->second;
}

std::int64_t query_number(const HttpRequest& request, const char* name, std::int64_t otherwise) {
  const std::string text = query_text(request, name);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size() && value >= 0;
  return whole ? value : otherwise;
}

}  // namespace

Follower::Follower(const std::string& role, const FollowerConfig& config, Inbox inbox)
    : inbox_(std::move(inbox)), queue_(nats_options(config.queue, role), config.queue.replicas) {
  for (const auto& [word, subject] : kEvents) {
    names_.push_back(cat(role, "-", word));
    consumers_.emplace_back(
        queue_, Consumer::Options{.name = names_.back().c_str(), .event = subject},
        [this, subject = subject](const Order& order) { return take(subject, order); });
  }
}

Handled Follower::take(const char* subject, const Order& order) {
  const auto taken = inbox_.take(subject, order, SystemClock().wall());
  if (taken) return {};
  log_warn(cat(order.order, " not taken down: ", taken.error().message));
  return Handled::later();
}

Health Follower::health() const {
  if (!queue_.connected()) return {false, "queue"};
  return {true, ""};
}

nlohmann::json Follower::status() {
  nlohmann::json status = {{"rows", inbox_.count().value_or(-1)},
                           {"queue_up", queue_.connected() ? 1 : 0}};
  for (const Consumer& consumer : consumers_) consumer.add_status(status);
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
