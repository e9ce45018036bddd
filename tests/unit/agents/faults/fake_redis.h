// SPDX-License-Identifier: Apache-2.0
// FakeRedis: as much of a Redis server as the faults of agents/faults/redis want. Any thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "agents/host.h"
#include "core/base/text.h"

namespace panshi::agent {

class FakeRedis {
 public:
  using Touch = std::function<Status(const std::string& what)>;
  // `touch` is told of each command that changes something, before it acts; it may refuse.
  explicit FakeRedis(Touch touch) : touch_(std::move(touch)) {}

  bool healthy() {
    const std::lock_guard lock(mutex_);
    return !paused_ && settings_ == kBefore && linked_;
  }
  std::unique_ptr<RedisSession> open() { return std::make_unique<Session>(*this); }

  bool follows = true;  // a primary; set before the fault

 private:
  using Settings = std::map<std::string, std::string>;

  class Session final : public RedisSession {
   public:
    explicit Session(FakeRedis& server) : server_(server) {}
    Result<RedisReply> run(const std::vector<std::string>& command) override {
      return server_.run(command);
    }

   private:
    FakeRedis& server_;
  };

  Result<RedisReply> run(const std::vector<std::string>& command) {
    const bool changes = command[0] == "CLIENT" || (command[0] == "CONFIG" && command[1] == "SET");
    if (changes) {
      if (auto touched = touch_(command[1]); !touched) return tl::unexpected(touched.error());
    }
    const std::lock_guard lock(mutex_);
    RedisReply reply;
    if (command[0] == "INFO") {
      reply.text = cat(follows ? "role:slave" : "role:master",
                       "\r\nmaster_link_status:", linked_ ? "up" : "down", "\r\n");
    }
    if (command[0] == "CLIENT" && command[1] == "KILL") {
      linked_ = settings_["masterauth"] == kBefore.at("masterauth");
      return reply;
    }
    if (command[0] == "CLIENT") paused_ = command[1] == "PAUSE";
    if (command[0] == "PUBLISH" && paused_) return fail(ErrorCode::kTimeout, "no answer");
    if (command[0] != "CONFIG") return reply;
    if (changes) {
      evicted_ = evicted_ || (command[2] == "maxmemory" && command[3] == "1" &&
                              settings_["maxmemory-policy"] != "noeviction");
      linked_ = linked_ || command[2] == "masterauth";  // tried anew, and judged by who asks next
      settings_[command[2]] = evicted_ ? "evicted" : command[3];  // never well again
    } else {
      RedisReply value;
      value.text = settings_[command[2]];
      reply.list = {RedisReply(), value};
    }
    return reply;
  }

  const Settings kBefore = {
      {"masterauth", "secret"}, {"maxmemory", "67108864"}, {"maxmemory-policy", "allkeys-lru"}};
  const Touch touch_;
  std::mutex mutex_;
  bool paused_ = false;
  bool linked_ = true;
  bool evicted_ = false;
  Settings settings_ = kBefore;
};

}  // namespace panshi::agent
