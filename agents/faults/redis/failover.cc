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
// A member that won an election and is asked again within twice its node timeout counts the old
// votes: it takes the place without asking anybody, and loses it a moment later (seen with Redis
// 7.0.15). It tells by its epoch, which no other member has then. Two node timeouts are never
// counted as less than this.
constexpr auto kVotesForgotten = std::chrono::seconds(4);
constexpr int kUnvotedMax = 2;

enum class Place { kReplica, kUnvoted, kPrimary };

Place place_of(const ClusterMember& taker, const ClusterMember* other) {
  if (!taker.primary) return Place::kReplica;
  return other != nullptr && taker.epoch < other->epoch ? Place::kUnvoted : Place::kPrimary;
}

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
    // Whom a revert will ask: what cannot be undone is not begun.
    const auto peer = host_.open_redis_at(request_.target, primary->host, primary->port);
    if (!peer && (peer.error().code == ErrorCode::kRefused || !forced())) {
      return tl::unexpected(peer.error());
    }
    return json{{"replica", self->id}, {"primary", primary->id}};
  }

  Status apply(const json& resolved) override {
    ASSIGN_OR_RETURN(const auto session, open());
    std::vector<std::string> command = {"CLUSTER", "FAILOVER"};
    if (forced()) command.emplace_back("FORCE");
    return take_place(*session, resolved.at("primary"), command);
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
    return take_place(*peer, self->id, {"CLUSTER", "FAILOVER"});
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

  // Has `taker` ask for the place of `other` until the cluster has voted for it.
  Status take_place(RedisSession& taker, const std::string& other,
                    const std::vector<std::string>& command) const {
    int unvoted = 0;
    for (int tries = 0; tries < kTriesMax; ++tries) {
      const auto begun = taker.run(command);
      if (!begun && tries == 0) return tl::unexpected(begun.error());
      ASSIGN_OR_RETURN(const Place place, await_place(taker, other));
      if (place == Place::kPrimary) return {};
      if (place == Place::kReplica) continue;
      if (++unvoted == kUnvotedMax) {
        return fail(ErrorCode::kUnavailable,
                    "it took the place without a vote and will lose it: it won an election less "
                    "than two `cluster-node-timeout` ago, and counts those votes again");
      }
      std::this_thread::sleep_for(kVotesForgotten);
    }
    return fail(ErrorCode::kTimeout, cat(request_.target, " and its peer did not change places"));
  }

  // What `taker` is as soon as it is no replica any more, or after a second.
  Result<Place> await_place(RedisSession& taker, const std::string& other) const {
    Place place = Place::kReplica;
    for (int looks = 0; looks < kRoleLooksMax && place == Place::kReplica; ++looks) {
      if (looks > 0) std::this_thread::sleep_for(kBetweenRoleLooks);
      ASSIGN_OR_RETURN(const auto cluster, cluster_of(taker));
      const ClusterMember* self = find_self(cluster);
      if (self != nullptr) place = place_of(*self, find_member(cluster, other));
    }
    return place;
  }

  const FaultRequest request_;
  Host& host_;
};

}  // namespace

std::unique_ptr<Fault> make_redis_failover(const FaultRequest& request, Host& host) {
  return std::make_unique<RedisFailover>(request, host);
}

}  // namespace panshi::agent
