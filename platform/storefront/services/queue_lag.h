// SPDX-License-Identifier: Apache-2.0
// QueueLag: how many events wait for each of a role's consumers, asked once a second, for /status:
// queue_lag_NAME, -1 while the queue does not say. Any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "platform/storefront/services/background.h"
#include "platform/storefront/stores/queue.h"

namespace panshi::shop {

class QueueLag {
 public:
  QueueLag(const ShopQueue& queue, const std::vector<std::string>& consumers) : queue_(queue) {
    for (const std::string& name : consumers) lags_.emplace_back(name);
    ask_.emplace(std::chrono::seconds(1), [this] { ask(); });
  }

  void add_to(nlohmann::json& status) const {
    for (const Lag& lag : lags_) {
      std::string key = "queue_lag_" + lag.consumer;
      std::replace(key.begin(), key.end(), '-', '_');
      status[key] = lag.waiting.load();
    }
  }

 private:
  struct Lag {
    explicit Lag(std::string name) : consumer(std::move(name)) {}
    std::string consumer;
    std::atomic<std::int64_t> waiting{-1};
  };
  void ask() {
    const auto nats = queue_.connection();
    for (Lag& lag : lags_) {
      if (!nats) return;
      const auto counts = nats->counts(kStream, lag.consumer);
      lag.waiting =
          counts ? static_cast<std::int64_t>(counts->pending + counts->unacknowledged) : -1;
    }
  }

  const ShopQueue& queue_;
  std::list<Lag> lags_;
  std::optional<Background> ask_;  // last: uses the members above
};

}  // namespace panshi::shop
