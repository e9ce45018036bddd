// SPDX-License-Identifier: Apache-2.0
#include "agents/host/redis_session.h"

namespace panshi::agent {
namespace {

class RealRedisSession final : public RedisSession {
 public:
  explicit RealRedisSession(Redis redis) : redis_(std::move(redis)) {}
  Result<RedisReply> run(const std::vector<std::string>& command) override {
    return redis_.run(command);
  }

 private:
  Redis redis_;
};

}  // namespace

Result<std::unique_ptr<RedisSession>> make_redis_session(const Redis::Options& options) {
  ASSIGN_OR_RETURN(Redis redis, Redis::connect(options));
  return std::make_unique<RealRedisSession>(std::move(redis));
}

}  // namespace panshi::agent
