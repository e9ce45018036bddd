// SPDX-License-Identifier: Apache-2.0
// ShopQueue: the JetStream stream SHOP, where what happened to an order waits for its consumers,
// and SHOP_DEAD, where what they gave up waits for people.
//
// Connects in the background and keeps trying, so a role can start before the queue. What publish()
// acknowledged is in the server's file: it survives the death of the server process. NATS 2.9 does
// not sync each message to disk, so a power cut may lose the last ones; for payments the sweep of
// the provider's ledger publishes those again. Any thread.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/io/nats.h"
#include "platform/storefront/model/order.h"

namespace panshi::shop {

inline constexpr const char* kStream = "SHOP";
// The events. A consumer has one durable, for one event or for all; each costs the servers a group
// of replicas.
inline constexpr const char* kOrderPlaced = "order.placed";
// Makes the rows of orders that are nowhere but in the queue.
inline constexpr const char* kPlacedConsumer = "orders-placed";
inline constexpr const char* kPaymentSucceeded = "payment.succeeded";
inline constexpr const char* kOrderDelivered = "order.delivered";
// Subjects: EVENT.all for every consumer, EVENT.NAME for one (a replay); EVENT.* is both.
std::string subject_for_all(const std::string& event);
std::string subject_for(const std::string& event, const std::string& consumer);
std::string subjects_of(const std::string& event);
struct QueuedOrder {
  Order order;
  std::string trace;  // the span that told it; "" for none
};
// A message's body: an order, or an array of orders, each perhaps with its `trace` (else
// `trace` of the message). kInvalid when one cannot be read.
Result<std::vector<QueuedOrder>> orders_in(std::string_view body, const std::string& trace = {});
inline constexpr const char* kEverySubject = ">";  // of the stream

// What a consumer gave up, until somebody replays or removes it.
inline constexpr const char* kDeadStream = "SHOP_DEAD";
inline constexpr const char* kDead = "dead.";  // and the consumer's name

// The consumers on whose work the books depend: these are in order once nothing waits for them.
inline constexpr std::array<const char*, 4> kBookkeepers = {"orders-placed", "orders-paid",
                                                            "inventory", "delivery"};

class ShopQueue {
 public:
  // `replicas`: of the stream, should it not be there yet.
  ShopQueue(Nats::Options options, std::int64_t replicas);
  ~ShopQueue();
  ShopQueue(const ShopQueue&) = delete;
  ShopQueue& operator=(const ShopQueue&) = delete;

  // For every consumer. The message id is event and order, so a repeat is harmless.
  Status publish(const std::string& event, const Order& order);
  // What happened to many, as one message: that is much cheaper for servers and consumers than one
  // for each. One alone travels as above. REQUIRES: not empty.
  Status publish(const std::string& event, const std::vector<QueuedOrder>& orders);
  bool connected() const;
  // Null until the first connection. Never changes afterwards: the adapter reconnects.
  std::shared_ptr<Nats> connection() const;

 private:
  void connect_until_done();

  const Nats::Options options_;
  const int replicas_;
  mutable std::mutex mutex_;
  std::condition_variable stop_changed_;
  bool stopping_ = false;
  std::shared_ptr<Nats> nats_;
  std::thread connector_;  // last: uses the members above
};

}  // namespace panshi::shop
