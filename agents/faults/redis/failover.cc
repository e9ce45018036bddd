// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/redis/failover.h"

#include <thread>

#include "agents/faults/redis/admin.h"
#include "agents/faults/redis/cluster.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

// Said again: the primaries vote for members of a shard once in twice their timeout, and who asks
// them too soon after the last time is not heard.
constexpr int kTriesMax = 8;
constexpr int kRoleLooksMax = 50;
constexpr auto kBetweenRoleLooks = std::chrono::milliseconds(20);

class RedisFailover final : public Fault {
 public:
  RedisFailover(const FaultRequest& request, Host& host) : request_(request), host_(host) {}

  Result<json> resolve() override {
    ASSIGN_OR_RETURN(const auto session, open());
    ASSIGN_OR_RETURN(const auto cluster, cluster_of(*session));
    const ClusterMember* self = find_self(cluster);
    if (!self || self->primary || self->follows.empty()) {
      return fail(ErrorCode::kRefused, cat(request_.target, " is no replica now"));
    }
    const ClusterMember* primary = find_member(cluster, self->follows);
    if (!primary || !primary->primary || (primary->failing && !forced())) {
      return fail(ErrorCode::kRefused, cat("the primary of ", request_.target,
                                           " is away; only `force` would do without it"));
    }
    return json{{"replica", self->id}, {"primary", primary->id}};
  }

  Status apply(const json&) override {
    ASSIGN_OR_RETURN(const auto session, open());
    std::vector<std::string> command = {"CLUSTER", "FAILOVER"};
    if (forced()) command.emplace_back("FORCE");
    return exchange(*session, command, true);
  }

  Status revert(const json& resolved) override {
    ASSIGN_OR_RETURN(const auto session, open());
    ASSIGN_OR_RETURN(const auto cluster, cluster_of(*session));
    const ClusterMember* self = find_self(cluster);
    if (!self || self->id != resolved.at("replica") || !self->primary) return {};
    const ClusterMember* former = find_member(cluster, resolved.at("primary").get<std::string>());
    if (!former) return {};  // it left the cluster: somebody changed that on purpose
    if (former->failing || former->follows != self->id) {
      return fail(ErrorCode::kUnavailable,
                  cat("the former primary ", former->host, ":", former->port, " is no replica of ",
                      request_.target, " yet, so it cannot take over again"));
    }
    ASSIGN_OR_RETURN(const auto peer,
                     host_.open_redis_at(request_.target, former->host, former->port));
    return exchange(*peer, {"CLUSTER", "FAILOVER"}, false);
  }

  json measure(const json&) const override {
    const auto session = open();
    if (!session) return json::object();
    const auto cluster = cluster_of(**session);
    const ClusterMember* self = cluster ? find_self(*cluster) : nullptr;
    if (!self) return json::object();
    return {{"primary", self->primary}};
  }

 private:
  bool forced() const { return request_.text("force") == "yes"; }
  Result<std::unique_ptr<RedisSession>> open() const { return open_redis(host_, request_.target); }

  // Has `replica` ask for its primary's place until this service is what it should be.
  Status exchange(RedisSession& replica, const std::vector<std::string>& command,
                  bool primary) const {
    ASSIGN_OR_RETURN(const auto session, open());
    for (int tries = 0; tries < kTriesMax; ++tries) {
      const auto begun = replica.run(command);
      if (!begun && tries == 0) return tl::unexpected(begun.error());
      for (int looks = 0; looks < kRoleLooksMax; ++looks) {
        ASSIGN_OR_RETURN(const auto cluster, cluster_of(*session));
        const ClusterMember* self = find_self(cluster);
        if (self && self->primary == primary) return {};
        std::this_thread::sleep_for(kBetweenRoleLooks);
      }
    }
    return fail(ErrorCode::kTimeout, cat(request_.target, " did not become a ",
                                         primary ? "primary" : "replica", " in time"));
  }

  const FaultRequest request_;
  Host& host_;
};

}  // namespace

std::unique_ptr<Fault> make_redis_failover(const FaultRequest& request, Host& host) {
  return std::make_unique<RedisFailover>(request, host);
}

}  // namespace panshi::agent
