// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/stores/gathered_events.h"

#include "platform/storefront/base/trace.h"

namespace panshi::shop {

GatheredEvents::GatheredEvents(ShopQueue& queue, std::string event, Duration pace)
    : queue_(queue), event_(std::move(event)), pace_(pace), thread_([this] { run(); }) {}

GatheredEvents::~GatheredEvents() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Status GatheredEvents::publish(const Order& order) {
  Waiting mine{.order = {order, current_traceparent()}};
  std::unique_lock lock(mutex_);
  waiting_.push_back(&mine);
  changed_.notify_all();
  changed_.wait(lock, [&] { return mine.stored.has_value(); });
  return *mine.stored;
}

void GatheredEvents::run() {
  MonoTime next{};  // no message before
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    changed_.wait_until(lock, next, [this] { return stopping_; });
    std::vector<Waiting*> together;
    together.swap(waiting_);
    lock.unlock();
    next = SystemClock().mono() + pace_;
    std::vector<QueuedOrder> orders;
    for (const Waiting* each : together) orders.push_back(each->order);
    const Status stored = queue_.publish(event_, orders);
    lock.lock();
    for (Waiting* each : together) each->stored = stored;
    changed_.notify_all();
  }
}

}  // namespace panshi::shop
