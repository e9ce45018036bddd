// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/stores/redis_form.h"

#include <charconv>
#include <thread>

#include "core/base/text.h"
#include "core/io/log.h"
#include "core/io/redis.h"
#include "platform/storefront/model/redis_layout.h"

namespace panshi::shop {
namespace {

constexpr Duration kPause = std::chrono::milliseconds(100);

Result<RedisReply> tell(const std::string& address, const std::vector<std::string>& command) {
  const auto colon = address.rfind(':');
  Redis::Options options{.host = address.substr(0, colon)};
  std::from_chars(address.data() + colon + 1, address.data() + address.size(), options.port);
  auto redis = Redis::connect(options);
  if (!redis) return tl::unexpected(redis.error());
  auto answer = redis->run(command);
  if (!answer) return fail(answer.error(), cat("redis ", address));
  return answer;
}

Result<RedisNodeView> view_of(const RedisMember& member) {
  ASSIGN_OR_RETURN(const RedisReply id, tell(member.address, {"CLUSTER", "MYID"}));
  ASSIGN_OR_RETURN(const RedisReply nodes, tell(member.address, {"CLUSTER", "NODES"}));
  ASSIGN_OR_RETURN(auto peers, read_cluster_nodes(nodes.text));
  return RedisNodeView{member.address, member.host, id.text, std::move(peers)};
}

// Whether the node would serve, or could take over: knowing its place is not all.
Status serves(const RedisMember& member) {
  ASSIGN_OR_RETURN(const RedisReply info, tell(member.address, {"CLUSTER", "INFO"}));
  if (info.text.find("cluster_state:ok") == std::string::npos) {
    return fail(ErrorCode::kUnavailable, cat("redis ", member.address, ": the cluster is not ok"));
  }
  ASSIGN_OR_RETURN(const RedisReply link, tell(member.address, {"INFO", "replication"}));
  if (link.text.find("master_link_status:down") != std::string::npos) {
    return fail(ErrorCode::kUnavailable, cat("redis ", member.address, ": not yet a copy"));
  }
  return {};
}

// True when nothing is left to do.
Result<bool> one_step(const std::vector<RedisMember>& members, int replicas_per_master) {
  std::vector<RedisNodeView> views;
  for (const RedisMember& member : members) {
    ASSIGN_OR_RETURN(RedisNodeView view, view_of(member));
    views.push_back(std::move(view));
  }
  const RedisPlan plan = plan_cluster(views, replicas_per_master);
  for (const RedisStep& step : plan.steps) {
    log_info(cat("redis ", step.address, ": ", join(step.command, " ")));
    ASSIGN_OR_RETURN(const RedisReply done, tell(step.address, step.command));
    (void)done;
  }
  if (!plan.formed) return false;
  for (const RedisMember& member : members) {
    if (auto ready = serves(member); !ready) return tl::unexpected(ready.error());
  }
  return true;
}

}  // namespace

Status form_redis_cluster(const std::vector<RedisMember>& members, int replicas_per_master,
                          MonoTime until) {
  std::string missing;
  while (true) {
    const auto done = one_step(members, replicas_per_master);
    if (done && *done) return {};
    std::string why = done ? "the nodes have not heard from one another" : done.error().message;
    if (why != missing) log_info(cat("redis cluster: ", why));
    missing = std::move(why);
    if (SystemClock().mono() >= until) {
      return fail(ErrorCode::kTimeout, cat("redis cluster not formed: ", missing));
    }
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace panshi::shop
