// SPDX-License-Identifier: Apache-2.0
// GatheredEvents: publishes what several callers want to tell as one message when they come in a
// rush, because each message costs every server and every consumer a note.
//
// The first after a pause goes at once; those that come within `pace` of the last message wait for
// the rest of it and travel together. publish() returns once the queue stored it, as
// ShopQueue::publish() does. Any thread, as many at once as callers like.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "platform/storefront/stores/queue.h"

namespace panshi::shop {

class GatheredEvents {
 public:
  // `queue` must outlive this. `pace` 0: nothing waits.
  GatheredEvents(ShopQueue& queue, std::string event, Duration pace);
  ~GatheredEvents();  // what is waiting is still published
  GatheredEvents(const GatheredEvents&) = delete;
  GatheredEvents& operator=(const GatheredEvents&) = delete;

  Status publish(const Order& order);

 private:
  struct Waiting {
    QueuedOrder order;
    std::optional<Status> stored = {};
  };
  void run();

  ShopQueue& queue_;
  const std::string event_;
  const Duration pace_;
  std::mutex mutex_;
  std::condition_variable changed_;  // something waits, something was stored, or we stop
  std::vector<Waiting*> waiting_;    // on the stacks of their callers
  bool stopping_ = false;
  std::thread thread_;  // last: uses the members above
};

}  // namespace panshi::shop
