// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/redis/kill.h"

#include <algorithm>
#include <thread>

#include "agents/faults/effect.h"
#include "agents/faults/node_target.h"
#include "agents/faults/process/kill.h"
#include "agents/faults/redis/cluster.h"
#include "core/base/random.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

constexpr int kLooksMax = 1000;
constexpr auto kBetweenLooks = std::chrono::milliseconds(1);

struct Candidate {
  std::string service;
  std::string id;  // in the cluster
};

class RedisKill final : public Fault {
 public:
  RedisKill(const FaultRequest& request, Host& host) : request_(request), host_(host) {}

  Result<json> resolve() override {
    if (auto ours = check_node(request_, host_); !ours) return tl::unexpected(ours.error());
    std::vector<ClusterMember> cluster;
    std::vector<Candidate> all = members(cluster);
    ASSIGN_OR_RETURN(const std::size_t count, how_many(all.size()));
    Random random(static_cast<std::uint64_t>(request_.integer("seed")));
    for (std::size_t i = 0; i < count; ++i) {
      std::swap(all[i], all[i + random.below(all.size() - i)]);
    }
    all.resize(count);
    if (auto spared = check_quorum(cluster, all); !spared) return tl::unexpected(spared.error());
    json services = json::array();
    for (const Candidate& each : all) {
      ASSIGN_OR_RETURN(json processes, kill_of(each.service)->resolve());
      services.push_back({{"service", each.service}, {"resolved", std::move(processes)}});
    }
    return json{{"services", std::move(services)}};
  }

  Status apply(const json& resolved) override {
    for (const json& each : resolved.at("services")) {
      if (auto killed = kill_of(each.at("service"))->apply(each.at("resolved")); !killed) {
        return killed;
      }
    }
    // Their processes end a moment later; measure() says so of one that never does.
    for (int looks = 0; looks < kLooksMax && gone(resolved) < resolved.at("services").size();
         ++looks) {
      std::this_thread::sleep_for(kBetweenLooks);
    }
    return {};
  }

  // Each, whatever became of the one before.
  Status revert(const json& resolved) override {
    Status worst;
    for (const json& each : resolved.at("services")) {
      auto runs = kill_of(each.at("service"))->revert(each.at("resolved"));
      if (!runs && runs.error().code != ErrorCode::kNotFound) worst = runs;
    }
    return worst;
  }

  json measure(const json& resolved) const override {
    json measured = json::object();
    add_effect(measured, {.what = "members killed",
                          .unit = "",
                          .asked = static_cast<double>(resolved.at("services").size()),
                          .measured = static_cast<double>(gone(resolved)),
                          .tolerance = 0});
    return measured;
  }

 private:
  std::size_t gone(const json& resolved) const {
    std::size_t members = 0;
    for (const json& each : resolved.at("services")) {
      const json found = kill_of(each.at("service"))->measure(each.at("resolved"));
      if (found.at("gone") == found.at("processes")) ++members;
    }
    return members;
  }
  std::unique_ptr<Fault> kill_of(const std::string& service) const {
    return make_process_kill({.id = request_.id, .target = service, .params = {{"signal", "KILL"}}},
                             host_);
  }

  // Those that run, in the order of the configuration; `cluster` as the last of them sees it.
  std::vector<Candidate> members(std::vector<ClusterMember>& cluster) const {
    std::vector<Candidate> found;
    for (const std::string& service : host_.redis_services()) {
      const auto session = host_.open_redis(service);
      if (!session) continue;
      auto seen = cluster_of(**session);
      const ClusterMember* self = seen ? find_self(*seen) : nullptr;
      if (!self) continue;
      found.push_back({service, self->id});
      cluster = std::move(*seen);
    }
    return found;
  }

  // A share is rounded down: never more than was asked for.
  Result<std::size_t> how_many(std::size_t all) const {
    if (all == 0) {
      return fail(ErrorCode::kRefused, "no service of this node is a running cluster member");
    }
    const double share = request_.percent("percent");
    const auto count = share > 0 ? static_cast<std::size_t>(share * static_cast<double>(all) / 100)
                                 : static_cast<std::size_t>(request_.integer("count"));
    if (count == 0) {
      return fail(ErrorCode::kRefused, cat(share, " % of ", all, " running members is none"));
    }
    if (count > all) {
      return fail(ErrorCode::kRefused, cat("this node has ", all, " running members, not ", count));
    }
    return count;
  }

  Status check_quorum(const std::vector<ClusterMember>& cluster,
                      const std::vector<Candidate>& chosen) const {
    if (request_.text("quorum") == "lose") return {};
    std::set<std::string> ids;
    for (const Candidate& each : chosen) ids.insert(each.id);
    const std::string why = why_needed(cluster, ids);
    return why.empty() ? Status() : fail(ErrorCode::kRefused, why);
  }

  const FaultRequest request_;
  Host& host_;
};

}  // namespace

std::unique_ptr<Fault> make_redis_kill(const FaultRequest& request, Host& host) {
  return std::make_unique<RedisKill>(request, host);
}

}  // namespace panshi::agent
