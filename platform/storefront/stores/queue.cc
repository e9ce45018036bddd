// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/stores/queue.h"

#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/base/trace.h"

namespace panshi::shop {
namespace {

Status make_streams(Nats& nats, int replicas) {
  const Status made =
      nats.ensure_stream({.name = kStream,
                          .subjects = {subjects_of(kOrderPlaced), subjects_of(kPaymentSucceeded),
                                       subjects_of(kOrderDelivered)},
                          .replicas = replicas});
  if (!made) return made;
  return nats.ensure_stream(
      {.name = kDeadStream, .subjects = {std::string(kDead) + "*"}, .replicas = replicas});
}

}  // namespace

std::string subject_for_all(const std::string& event) { return event + ".all"; }
std::string subject_for(const std::string& event, const std::string& consumer) {
  return cat(event, ".", consumer);
}
std::string subjects_of(const std::string& event) { return event + ".*"; }

Result<std::vector<QueuedOrder>> orders_in(std::string_view body, const std::string& trace) {
  ASSIGN_OR_RETURN(nlohmann::json json, parse_json(body));
  if (!json.is_array()) json = nlohmann::json::array({std::move(json)});
  std::vector<QueuedOrder> orders;
  for (nlohmann::json& each : json) {
    std::string own = trace;
    if (each.is_object() && each.contains("trace") && each["trace"].is_string()) {
      own = each["trace"].get<std::string>();
      each.erase("trace");
    }
    ASSIGN_OR_RETURN(Order order, order_from_json(each));
    orders.push_back({std::move(order), std::move(own)});
  }
  return orders;
}

ShopQueue::ShopQueue(Nats::Options options, std::int64_t replicas)
    : options_(std::move(options)),
      replicas_(static_cast<int>(replicas)),
      connector_([this] { connect_until_done(); }) {}

ShopQueue::~ShopQueue() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_changed_.notify_all();
  connector_.join();
}

void ShopQueue::connect_until_done() {
  std::string said;
  while (true) {
    auto connected = Nats::connect(options_);
    const Status ready = connected ? make_streams(**connected, replicas_)
                                   : Status(tl::unexpected(connected.error()));
    std::unique_lock lock(mutex_);
    if (ready) {
      nats_ = *std::move(connected);
      return;
    }
    if (ready.error().message != said) log_warn(cat("queue: ", ready.error().message));
    said = ready.error().message;
    if (stop_changed_.wait_for(lock, std::chrono::milliseconds(200), [&] { return stopping_; })) {
      return;
    }
  }
}

Status ShopQueue::publish(const std::string& event, const Order& order) {
  return publish(event, std::vector<QueuedOrder>{{order, current_traceparent()}});
}

Status ShopQueue::publish(const std::string& event, const std::vector<QueuedOrder>& orders) {
  const auto nats = connection();
  if (!nats) return fail(ErrorCode::kUnavailable, "queue: not connected yet");
  const QueuedOrder& first = orders.front();
  std::string id = cat(event, ":", first.order.order);
  if (orders.size() == 1) {
    return nats->publish(subject_for_all(event), dump_json(to_json(first.order)), id, first.trace);
  }
  nlohmann::json body = nlohmann::json::array();
  for (const QueuedOrder& each : orders) {
    body.push_back(to_json(each.order));
    if (!each.trace.empty()) body.back()["trace"] = each.trace;
  }
  id += cat(":", orders.back().order.order, ":", orders.size());
  return nats->publish(subject_for_all(event), dump_json(body), id);
}

bool ShopQueue::connected() const {
  const auto nats = connection();
  return nats && nats->connected();
}

std::shared_ptr<Nats> ShopQueue::connection() const {
  const std::lock_guard lock(mutex_);
  return nats_;
}

}  // namespace panshi::shop
