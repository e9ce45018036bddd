// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/redis/pause_clients.h"

#include "agents/faults/redis/admin.h"

namespace panshi::agent {
namespace {

class RedisPauseClients final : public Fault {
 public:
  RedisPauseClients(const FaultRequest& request, Host& host) : request_(request), host_(host) {}

  Result<nlohmann::json> resolve() override {
    ASSIGN_OR_RETURN(const auto session, open_redis(host_, request_.target));
    ASSIGN_OR_RETURN([[maybe_unused]] const auto pong, session->run({"PING"}));
    return nlohmann::json::object();
  }

  Status apply(const nlohmann::json&) override {
    const auto most =
        std::chrono::duration_cast<std::chrono::milliseconds>(request_.duration("most"));
    return run({"CLIENT", "PAUSE", std::to_string(most.count()), "WRITE"});
  }

  Status revert(const nlohmann::json&) override { return run({"CLIENT", "UNPAUSE"}); }

  // PUBLISH counts as a write and changes nothing; one that is not answered is being paused.
  nlohmann::json measure(const nlohmann::json&) const override {
    const auto session = open_redis(host_, request_.target);
    if (!session) return nlohmann::json::object();
    const auto answer = (*session)->run({"PUBLISH", "panshi", "probe"});
    if (!answer && answer.error().code != ErrorCode::kTimeout) return nlohmann::json::object();
    return {{"paused", !answer}};
  }

 private:
  Status run(const std::vector<std::string>& command) {
    ASSIGN_OR_RETURN(const auto session, open_redis(host_, request_.target));
    ASSIGN_OR_RETURN([[maybe_unused]] const auto done, session->run(command));
    return {};
  }

  const FaultRequest request_;
  Host& host_;
};

}  // namespace

std::unique_ptr<Fault> make_redis_pause_clients(const FaultRequest& request, Host& host) {
  return std::make_unique<RedisPauseClients>(request, host);
}

}  // namespace panshi::agent
