// SPDX-License-Identifier: Apache-2.0
#include "core/io/redis_node.h"

#include "core/base/clock.h"
#include "core/base/text.h"

namespace panshi {
RedisNode::RedisNode(Redis::Options options, bool readonly, std::size_t connections)
    : options_(std::move(options)), readonly_(readonly), connections_(connections) {}

Result<RedisReply> RedisNode::with(const Use& use) {
  std::optional<Redis> connection;
  if (auto taken = take(connection); !taken) return tl::unexpected(taken.error());
  const bool was_idle = connection.has_value();
  auto answer = use_once(connection, use);
  if (was_idle && !answer && answer.error().code == ErrorCode::kUnavailable) {
    connection.reset();
    answer = use_once(connection, use);
  }
  give_back(std::move(connection), answer);
  return answer;
}

void RedisNode::give_up() {
  const std::lock_guard lock(mutex_);
  refuse_until_ = mono_now() + kRefuseFor;
}

bool RedisNode::refuses() const {
  const std::lock_guard lock(mutex_);
  return mono_now() < refuse_until_;
}

Status RedisNode::take(std::optional<Redis>& connection) {
  std::unique_lock lock(mutex_);
  if (!await_slot(lock)) {
    ++stats_.refused;
    return fail(ErrorCode::kUnavailable,
                cat("redis ", options_.host, ":", options_.port, ": every connection is busy"));
  }
  ++lent_;
  if (!idle_.empty()) {
    connection.emplace(std::move(idle_.back()));
    idle_.pop_back();
  }
  return {};
}

bool RedisNode::await_slot(std::unique_lock<std::mutex>& lock) {
  if (lent_ < connections_) return true;
  const MonoTime began = mono_now();
  ++stats_.waits;
  const bool got =
      free_slot_.wait_for(lock, options_.command_timeout, [this] { return lent_ < connections_; });
  stats_.wait_us += (mono_now() - began).count();
  return got;
}

void RedisNode::add_to(RedisPoolStats& sum) const {
  const std::lock_guard lock(mutex_);
  sum.size += static_cast<std::int64_t>(connections_);
  sum.in_use += static_cast<std::int64_t>(lent_);
  sum.waits += stats_.waits;
  sum.wait_us += stats_.wait_us;
  sum.refused += stats_.refused;
}

Result<RedisReply> RedisNode::use_once(std::optional<Redis>& connection, const Use& use) const {
  if (!connection) {
    auto fresh = Redis::connect(options_);
    if (!fresh) {  // whatever the reason, the command was not sent
      return fail(ErrorCode::kUnavailable, std::move(fresh).error().message);
    }
    if (readonly_) {
      const auto allowed = fresh->run({"READONLY"});
      if (!allowed && allowed.error().code != ErrorCode::kRefused) {
        return fail(ErrorCode::kUnavailable, allowed.error().message);
      }
    }
    connection.emplace(*std::move(fresh));
  }
  return use(*connection);
}

void RedisNode::give_back(std::optional<Redis> connection, const Result<RedisReply>& answer) {
  const bool broken = !answer && (answer.error().code == ErrorCode::kUnavailable ||
                                  answer.error().code == ErrorCode::kTimeout);
  {
    const std::lock_guard lock(mutex_);
    --lent_;
    if (broken) {
      idle_.clear();  // they lead to the same server
    } else if (connection) {
      idle_.push_back(*std::move(connection));
    }
  }
  free_slot_.notify_one();
}

}  // namespace panshi
