// SPDX-License-Identifier: Apache-2.0
// RedisNode: a bounded number of connections to one server, lent for one use each.
//
// Nobody waits for a server on which a call just gave up (give_up): kUnavailable at once, for
// kRefuseFor. kUnavailable from a connection that had been idle is tried once more on a fresh one:
// the server may have closed it meanwhile. Any thread. For RedisCluster only.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "core/io/redis.h"

namespace panshi {

// Connections of a pool: allowed, lent now; since the start: calls that waited for one, how long,
// and that got none in time.
struct RedisPoolStats {
  std::int64_t size = 0;
  std::int64_t in_use = 0;
  std::int64_t waits = 0;
  std::int64_t wait_us = 0;
  std::int64_t refused = 0;
};

class RedisNode {
 public:
  using Use = std::function<Result<RedisReply>(Redis&)>;
  static constexpr Duration kRefuseFor = std::chrono::milliseconds(200);

  // `readonly`: may be asked what a replica knows.
  RedisNode(Redis::Options options, bool readonly, std::size_t connections);

  Result<RedisReply> with(const Use& use);
  void give_up();  // refuse the next callers for a moment
  bool refuses() const;
  void add_to(RedisPoolStats& sum) const;

 private:
  Status take(std::optional<Redis>& connection);
  bool await_slot(std::unique_lock<std::mutex>& lock);
  Result<RedisReply> use_once(std::optional<Redis>& connection, const Use& use) const;
  void give_back(std::optional<Redis> connection, const Result<RedisReply>& answer);

  const Redis::Options options_;
  const bool readonly_;
  const std::size_t connections_;
  mutable std::mutex mutex_;
  std::condition_variable free_slot_;
  std::vector<Redis> idle_;
  std::size_t lent_ = 0;
  RedisPoolStats stats_;  // size and in_use are not kept here
  MonoTime refuse_until_{};
};

}  // namespace panshi
