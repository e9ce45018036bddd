// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/redis/memory_full.h"

#include "agents/faults/redis/admin.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr const char* kBound = "maxmemory";
constexpr const char* kPolicy = "maxmemory-policy";
constexpr const char* kSafe = "noeviction";

Result<std::string> setting(RedisSession& session, const std::string& name) {
  ASSIGN_OR_RETURN(const RedisReply reply, session.run({"CONFIG", "GET", name}));
  if (reply.list.size() == 2) return reply.list[1].text;
  return fail(ErrorCode::kRefused, cat("the server has no setting ", name));
}

Status set(RedisSession& session, const std::string& name, const std::string& value) {
  ASSIGN_OR_RETURN([[maybe_unused]] const auto done, session.run({"CONFIG", "SET", name, value}));
  return {};
}

Status put_back(RedisSession& session, const std::string& name, const std::string& left,
                const std::string& before) {
  ASSIGN_OR_RETURN(const std::string now, setting(session, name));
  return now == left ? set(session, name, before) : Status();
}

class RedisMemoryFull final : public Fault {
 public:
  RedisMemoryFull(const FaultRequest& request, Host& host)
      : service_(request.target), host_(host) {}

  Result<nlohmann::json> resolve() override {
    ASSIGN_OR_RETURN(const auto session, open_redis(host_, service_));
    ASSIGN_OR_RETURN(const std::string bound, setting(*session, kBound));
    ASSIGN_OR_RETURN(const std::string policy, setting(*session, kPolicy));
    return nlohmann::json{{"bound", bound}, {"policy", policy}};
  }

  Status apply(const nlohmann::json&) override {
    ASSIGN_OR_RETURN(const auto session, open_redis(host_, service_));
    if (auto safe = set(*session, kPolicy, kSafe); !safe) return safe;
    return set(*session, kBound, kFullMemory);
  }

  // What is no longer as the fault left it is somebody's newer setting.
  Status revert(const nlohmann::json& resolved) override {
    ASSIGN_OR_RETURN(const auto session, open_redis(host_, service_));
    if (auto wide = put_back(*session, kBound, kFullMemory, resolved.at("bound")); !wide)
      return wide;
    return put_back(*session, kPolicy, kSafe, resolved.at("policy"));
  }

  nlohmann::json measure(const nlohmann::json&) const override {
    const auto session = open_redis(host_, service_);
    if (!session) return nlohmann::json::object();
    const auto bound = setting(**session, kBound);
    const auto policy = setting(**session, kPolicy);
    if (!bound || !policy) return nlohmann::json::object();
    return {{"full", *bound == kFullMemory}, {"policy", *policy}};
  }

 private:
  const std::string service_;
  Host& host_;
};

}  // namespace

std::unique_ptr<Fault> make_redis_memory_full(const FaultRequest& request, Host& host) {
  return std::make_unique<RedisMemoryFull>(request, host);
}

}  // namespace panshi::agent
