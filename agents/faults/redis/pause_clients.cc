// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/redis/pause_clients.h"

#include <algorithm>

#include "agents/faults/redis/admin.h"
#include "agents/faults/upkeep.h"

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

  // In steps of the lease, so that the server ends it by itself when this agent stands still.
  Status apply(const nlohmann::json& resolved) override {
    const Duration lease = Upkeep::lease_of(resolved);
    const MonoTime until = SystemClock().mono() + request_.duration("most");
    if (auto paused = pause(request_, until, lease, host_); !paused) return paused;
    host_.holdings().keep(
        request_.id, std::make_shared<Upkeep>(Upkeep::every(lease),
                                              [request = request_, until, lease, &host = host_] {
                                                (void)pause(request, until, lease, host);
                                              }));
    return {};
  }

  Status revert(const nlohmann::json&) override {
    host_.holdings().let_go(request_.id);  // first: it would pause them again
    return run(request_, {"CLIENT", "UNPAUSE"}, host_);
  }

  // PUBLISH counts as a write and changes nothing; one that is not answered is being paused.
  nlohmann::json measure(const nlohmann::json&) const override {
    const auto session = open_redis(host_, request_.target);
    if (!session) return nlohmann::json::object();
    const auto answer = (*session)->run({"PUBLISH", kProbeChannel, "probe"});
    if (!answer && answer.error().code != ErrorCode::kTimeout) return nlohmann::json::object();
    return {{"paused", !answer}};
  }

 private:
  static Status pause(const FaultRequest& request, MonoTime until, Duration lease, Host& host) {
    const Duration left = std::min(Upkeep::step(lease), until - SystemClock().mono());
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
    if (ms <= 0) return {};
    return run(request, {"CLIENT", "PAUSE", std::to_string(ms), "WRITE"}, host);
  }

  static Status run(const FaultRequest& request, const std::vector<std::string>& command,
                    Host& host) {
    ASSIGN_OR_RETURN(const auto session, open_redis(host, request.target));
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
