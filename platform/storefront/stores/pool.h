// SPDX-License-Identifier: Apache-2.0
// Pool<T>: a bounded number of connections to one server, behind a circuit breaker.
//
// with(use) lends a connection for one use. After kUnavailable or kTimeout the connection is thrown
// away; kUnavailable ("surely not carried out") on a connection that had been idle is tried once
// more on a fresh one, because the server may have closed it meanwhile. While the breaker is open
// nobody waits: kUnavailable at once. Any thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "platform/storefront/model/breaker.h"

namespace panshi::shop {

template <class T>
class Pool {
 public:
  struct Options {
    std::string name;  // in messages
    std::size_t size = 4;
    Duration wait_max = std::chrono::milliseconds(500);  // for a free connection
    Breaker::Options breaker = {.failures_max = 1};
  };
  using Connect = std::function<Result<T>()>;

  Pool(Options options, Connect connect)
      : options_(std::move(options)), connect_(std::move(connect)), breaker_(options_.breaker) {}

  // `use` is Result<Value>(T&).
  template <class Use>
  auto with(Use use) -> decltype(use(std::declval<T&>())) {
    std::optional<T> connection;
    if (auto taken = take(connection); !taken) return tl::unexpected(taken.error());
    const bool was_idle = connection.has_value();
    auto answer = use_once(connection, use);
    if (was_idle && !answer && answer.error().code == ErrorCode::kUnavailable) {
      connection.reset();
      answer = use_once(connection, use);
    }
    give_back(std::move(connection), answer ? ErrorCode::kInternal : answer.error().code,
              answer.has_value());
    return answer;
  }

  struct Stats {
    std::int64_t size = 0;
    std::int64_t in_use = 0;
    std::int64_t waits = 0;  // for a free connection, since the start
    std::int64_t wait_us = 0;
    std::int64_t refused = 0;  // none came free in time
  };
  Stats stats() const {
    const std::lock_guard lock(mutex_);
    Stats stats = stats_;
    stats.size = static_cast<std::int64_t>(options_.size);
    stats.in_use = static_cast<std::int64_t>(lent_);
    return stats;
  }

  bool healthy() const {
    const std::lock_guard lock(mutex_);
    return breaker_.state(SystemClock().mono()) == Breaker::State::kClosed;
  }

 private:
  Status take(std::optional<T>& connection) {
    std::unique_lock lock(mutex_);
    if (!await_slot(lock)) {
      ++stats_.refused;
      return fail(ErrorCode::kUnavailable, options_.name + ": every connection is busy");
    }
    if (!breaker_.allow(SystemClock().mono())) {
      return fail(ErrorCode::kUnavailable, options_.name + ": not tried, it just failed");
    }
    ++lent_;
    if (!idle_.empty()) {
      connection.emplace(std::move(idle_.back()));
      idle_.pop_back();
    }
    return {};
  }

  bool await_slot(std::unique_lock<std::mutex>& lock) {
    if (lent_ < options_.size) return true;
    const MonoTime began = SystemClock().mono();
    ++stats_.waits;
    const bool got =
        free_slot_.wait_for(lock, options_.wait_max, [&] { return lent_ < options_.size; });
    const auto waited = SystemClock().mono() - began;
    stats_.wait_us += std::chrono::duration_cast<std::chrono::microseconds>(waited).count();
    return got;
  }

  template <class Use>
  auto use_once(std::optional<T>& connection, Use& use) -> decltype(use(*connection)) {
    if (!connection) {
      auto fresh = connect_();
      if (!fresh) {  // whatever the reason, the statement was not sent
        return fail(ErrorCode::kUnavailable, std::move(fresh).error().message);
      }
      connection.emplace(*std::move(fresh));
    }
    return use(*connection);
  }

  void give_back(std::optional<T> connection, ErrorCode code, bool ok) {
    const bool broken = !ok && (code == ErrorCode::kUnavailable || code == ErrorCode::kTimeout);
    {
      const std::lock_guard lock(mutex_);
      --lent_;
      if (broken) {
        breaker_.failed(SystemClock().mono());
        idle_.clear();  // they lead to the same server
      } else {
        breaker_.succeeded();
        if (connection) idle_.push_back(*std::move(connection));
      }
    }
    free_slot_.notify_one();
  }

  const Options options_;
  const Connect connect_;
  mutable std::mutex mutex_;
  std::condition_variable free_slot_;
  std::vector<T> idle_;
  std::size_t lent_ = 0;
  Stats stats_;  // size and in_use are not kept here
  Breaker breaker_;
};

}  // namespace panshi::shop
