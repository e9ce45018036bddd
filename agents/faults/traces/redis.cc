// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/redis/admin.h"
#include "agents/faults/redis/memory_full.h"
#include "agents/faults/redis/replication_break.h"
#include "agents/faults/traces/rows.h"
#include "core/base/text.h"
#include "core/io/mac.h"

namespace panshi::agent {
namespace {

Result<std::string> setting(RedisSession& session, const std::string& name) {
  ASSIGN_OR_RETURN(const RedisReply reply, session.run({"CONFIG", "GET", name}));
  if (reply.list.size() == 2) return reply.list[1].text;
  return fail(ErrorCode::kRefused, cat("the server has no setting ", name));
}

// PUBLISH counts as a write and changes nothing; one that is not answered waits.
Result<bool> is_paused(const std::string& service, Host& host) {
  ASSIGN_OR_RETURN(const auto session, open_redis(host, service));
  const auto answer = session->run({"PUBLISH", kProbeChannel, "probe"});
  if (answer) return false;
  if (answer.error().code == ErrorCode::kTimeout) {
    // A server that stands still answers nobody; one whose writes wait answers what is no write.
    const auto other = open_redis(host, service);
    return other && (*other)->run({"PING"}).has_value();
  }
  return tl::unexpected(answer.error());
}

template <class Look>
void for_each_redis(Host& host, Look look) {
  for (const std::string& service : host.redis_services()) {
    const auto session = open_redis(host, service);
    if (session) look(service, **session);
  }
}

Status run_redis_on(const std::string& service, const std::vector<std::string>& command,
                    Host& host) {
  ASSIGN_OR_RETURN(const auto session, open_redis(host, service));
  ASSIGN_OR_RETURN([[maybe_unused]] const auto done, session->run(command));
  return {};
}

}  // namespace

void find_redis_pause(const FsckView& view, Host& host, std::vector<Leftover>& found) {
  for (const std::string& service : host.redis_services()) {
    if (is_covered(view, "redis.pause-clients", service)) continue;
    const auto paused = is_paused(service, host);
    if (!paused || !*paused) continue;
    found.push_back({.what = cat("paused writes of service ", service),
                     .ours = false,
                     .why = "no fault in force has paused them",
                     .clear_hint = "CLIENT UNPAUSE"});
  }
}

void find_redis_memory(const FsckView& view, Host& host, std::vector<Leftover>& found) {
  for_each_redis(host, [&](const std::string& service, RedisSession& session) {
    const auto bound = setting(session, "maxmemory");
    if (!bound || *bound != kFullMemory || is_covered(view, "redis.memory-full", service)) return;
    found.push_back(
        {.what = cat("maxmemory of service ", service, " is ", *bound),
         .why = "a fault set it that is not in force any more",
         .clear_hint = "CONFIG SET maxmemory and maxmemory-policy as its file has them"});
  });
}

void find_redis_secret(const FsckView& view, Host& host, std::vector<Leftover>& found) {
  for_each_redis(host, [&](const std::string& service, RedisSession& session) {
    const auto secret = setting(session, "masterauth");
    if (!secret || *secret != kWrongSecret) return;
    if (is_covered(view, "redis.replication-break", service)) return;
    found.push_back({.what = cat("masterauth of service ", service, " is a wrong one"),
                     .why = "a fault set it that is not in force any more",
                     .clear_hint = "CONFIG SET masterauth to its primary's password"});
  });
}

Status clear_redis_pause(const FaultRequest& request, Host& host, Done& done) {
  if (auto on = run_redis_on(request.target, {"CLIENT", "UNPAUSE"}, host); !on) return on;
  done.push_back(cat("writes of ", request.target, " go on"));
  return {};
}

Status clear_redis_memory(const FaultRequest& request, Host& host, Done& done) {
  ASSIGN_OR_RETURN(const auto session, open_redis(host, request.target));
  ASSIGN_OR_RETURN(const std::string bound, setting(*session, "maxmemory"));
  if (bound != kFullMemory) {
    return fail(ErrorCode::kRefused,
                cat("maxmemory of ", request.target, " is ", bound,
                    ", which is not the fault's: somebody has set it since. What maxmemory-policy "
                    "was is not known: set it as its file has it"));
  }
  if (auto wide = run_redis_on(request.target, {"CONFIG", "SET", "maxmemory", "0"}, host); !wide) {
    return wide;
  }
  done.push_back(cat("maxmemory of ", request.target, " is 0, without a bound"));
  return fail(ErrorCode::kRefused, cat("what maxmemory and maxmemory-policy of ", request.target,
                                       " were is not known: set them as its file has them"));
}

// Tried without a password, which is right where the primary wants none.
Status clear_redis_secret(const FaultRequest& request, Host& host, Done& done) {
  ASSIGN_OR_RETURN(const auto session, open_redis(host, request.target));
  ASSIGN_OR_RETURN(const std::string secret, setting(*session, "masterauth"));
  if (secret != kWrongSecret) {
    done.push_back(cat("masterauth of ", request.target, " is not the fault's any more"));
    return {};
  }
  if (auto set = run_redis_on(request.target, {"CONFIG", "SET", "masterauth", ""}, host); !set)
    return set;
  done.push_back(cat("masterauth of ", request.target, " is empty"));
  return fail(ErrorCode::kRefused, cat("if the primary of ", request.target,
                                       " wants a password: CONFIG SET masterauth to it"));
}

Status clear_redis_role(const FaultRequest& request, Host&, Done&) {
  return fail(ErrorCode::kRefused, cat("who was the primary of ", request.target,
                                       " is not known: CLUSTER FAILOVER at the one that shall be"));
}

Status clear_redis_keys(const FaultRequest& request, Host&, Done&) {
  return fail(ErrorCode::kRefused,
              cat("the expired keys of ", request.target, " went with the undo record"));
}

StateLines redis_state(const std::string& service, Host& host) {
  ASSIGN_OR_RETURN(const auto session, open_redis(host, service));
  std::vector<std::string> lines;
  for (const char* name : {"maxmemory", "maxmemory-policy"}) {
    ASSIGN_OR_RETURN(const std::string value, setting(*session, name));
    lines.push_back(cat(name, " ", value));
  }
  ASSIGN_OR_RETURN(const std::string secret, setting(*session, "masterauth"));
  lines.push_back(
      cat("masterauth ", secret.empty() ? "none" : mac_of("", secret)));  // not in clear
  ASSIGN_OR_RETURN(const RedisReply role, session->run({"ROLE"}));
  if (!role.list.empty()) lines.push_back(cat("role ", role.list[0].text));
  ASSIGN_OR_RETURN(const bool paused, is_paused(service, host));
  lines.push_back(cat("writes ", paused ? "paused" : "go on"));
  return lines;
}

}  // namespace panshi::agent
