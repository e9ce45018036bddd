// SPDX-License-Identifier: Apache-2.0
// Consumer: one durable consumer of the queue, with its workers, its dead letters and their replay.
//
// Messages come at least once and in no order: `handle` must be idempotent. What is the fault of a
// dependency is tried for ever (a paid order waits, and is never given up); what is the message's
// own fault goes, after `tries_max` tries, to the subject dead.NAME of the stream SHOP_DEAD with
// the reason. `storefront replay` publishes it as EVENT.NAME: for this consumer only.
//
// A message may tell of many orders (ShopQueue::publish); each is an event of its own here.
// Messages come in batches: what the servers note about a consumer is replicated, and one note for
// many messages is much cheaper than one for each. `handle` runs on `workers` threads at once. The
// destructor waits for calls under way.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <span>
#include <string>
#include <vector>

#include "platform/storefront/services/background.h"
#include "platform/storefront/stores/queue.h"

namespace panshi::shop {

struct Handled {
  enum class Kind { kDone, kLater, kBroken, kRefused } kind = Kind::kDone;
  Duration wait{};  // kLater; 0: grows from 100 ms to 1.6 s
  std::string why;  // kBroken, kRefused

  static Handled later(Duration wait = {}) { return {Kind::kLater, wait, {}}; }
  static Handled broken(std::string why) { return {Kind::kBroken, {}, std::move(why)}; }
  // Nothing that is tried again would change it.
  static Handled refused(std::string why) { return {Kind::kRefused, {}, std::move(why)}; }
};

struct ShopEvent {
  std::string event;  // "payment.succeeded"
  Order order;
  std::string trace;  // where the event was published, see SpanScope::server
};

class Consumer {
 public:
  struct Options {
    std::string name;   // of the durable: "inventory"
    std::string event;  // "payment.succeeded"; "": every event
    int workers = 1;
    int batch = 1;      // messages at once, per worker
    Duration linger{};  // how long a batch waits for more once it has its first message
    int replicas = 0;   // of what the servers note about it; 0: as many as the stream has
    std::uint64_t tries_max = 5;
    // Longer than handling a batch takes; and how long what a killed consumer had in hand waits.
    Duration ack_wait = std::chrono::seconds(6);
  };
  using HandleEach = std::function<Handled(const ShopEvent&)>;
  // As many answers as events.
  using HandleBatch = std::function<std::vector<Handled>(const std::vector<ShopEvent>&)>;

  Consumer(const ShopQueue& queue, Options options, HandleBatch handle);
  // One after the other, each with a span of its own.
  Consumer(const ShopQueue& queue, Options options, HandleEach handle);
  ~Consumer() { stopping_ = true; }
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  // {"handled" (events),"retried" (messages),"dead" (events)} since the start, each with the name
  // before it.
  void add_status(nlohmann::json& status) const;
  bool stopping() const { return stopping_; }

 private:
  void work();
  std::vector<NatsVerdict> judge(const std::vector<NatsMessage>& messages);
  NatsVerdict decide(const NatsMessage& message, std::span<const ShopEvent> events,
                     std::span<const Handled> handled);
  // `order`: "" when the message cannot be read.
  NatsVerdict bury(const NatsMessage& message, const std::string& order, const std::string& body,
                   const std::string& why);

  const ShopQueue& queue_;
  const Options options_;
  const HandleBatch handle_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> handled_{0}, retried_{0}, dead_{0};
  std::list<Background> threads_;  // last: they use the members above
};

}  // namespace panshi::shop
