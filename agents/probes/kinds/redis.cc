// SPDX-License-Identifier: Apache-2.0
// redis and redis-cluster: what a Redis server says of itself and of its cluster.
#include "core/io/redis.h"

#include <cstdlib>

#include "agents/limits.h"
#include "agents/probes/kinds/parts.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr double kSlots = 16'384;

std::function<Result<Redis>()> redis_connector(const ProbeTarget& target, Duration timeout) {
  return [target, timeout]() -> Result<Redis> {
    ASSIGN_OR_RETURN(const std::string password, target.password.read());
    return Redis::connect({.host = target.host,
                           .port = target.port,
                           .password = password,
                           .rules = target.rules,
                           .connect_timeout = timeout,
                           .command_timeout = timeout,
                           .reply_max = limits::kProbeReplyMax});
  };
}

// The value of a line "name:value\r\n"; "" when there is none.
std::string info_value(const std::string& info, const std::string& name) {
  for (const std::string& line : split(info, '\n')) {
    if (!line.starts_with(name + ":")) continue;
    const std::size_t end = line.find('\r');
    return line.substr(name.size() + 1, end == std::string::npos ? end : end - name.size() - 1);
  }
  return "";
}

void add_role(const RedisReply& role, ProbeAnswer& answer) {
  const auto& list = role.list;  // master, offset, replicas; slave, host, port, state, offset
  const bool primary = !list.empty() && list[0].text == "master";
  answer.values.emplace_back("primary", primary);
  if (primary && list.size() >= 3) {
    answer.values.emplace_back("replicas", static_cast<double>(list[2].list.size()));
    answer.values.emplace_back("offset", static_cast<double>(list[1].integer));
  }
  if (!primary && list.size() >= 5) {
    answer.values.emplace_back("linked", list[3].text == "connected");
    answer.values.emplace_back("offset", static_cast<double>(list[4].integer));
  }
}

Result<ProbeAnswer> look(const ProbeTarget& target, Redis& redis) {
  auto info = redis.run({"CLUSTER", "INFO"});
  if (!info) return fail(info.error(), "CLUSTER INFO");
  auto role = redis.run({"ROLE"});
  if (!role) return fail(role.error(), "ROLE");
  const bool state_ok = info_value(info->text, "cluster_state") == "ok";
  const double slots_ok = std::atof(info_value(info->text, "cluster_slots_ok").c_str());
  ProbeAnswer answer{"", {{"state_ok", state_ok}, {"slots_ok", slots_ok}}};
  add_role(*role, answer);
  const bool primary = !role->list.empty() && role->list[0].text == "master";
  if (!state_ok) {
    answer.reason = "the cluster does not serve";
  } else if (slots_ok < kSlots) {
    answer.reason = cat(slots_ok, " of ", kSlots, " slots are served");
  } else if (!target.role.empty() && primary != (target.role == "primary")) {
    answer.reason = cat("it is a ", primary ? "primary" : "replica");
  }
  return answer;
}

}  // namespace

void read_redis(Fields& in, ProbeTarget& target) {
  read_server(in, target);
  may_secret(in, "password", target.password);
  may_tell(in, target.host, !target.password.empty(), target.rules);
}

ProbeAsk ask_redis(const ProbeTarget& target, Duration timeout) {
  return over_kept<Redis>(redis_connector(target, timeout),
                          [](Redis& redis) -> Result<ProbeAnswer> {
                            if (auto answer = redis.run({"PING"}); !answer)
                              return fail(answer.error(), "PING");
                            return ProbeAnswer();
                          });
}

void read_redis_cluster(Fields& in, ProbeTarget& target) {
  read_redis(in, target);
  read_role(in, target);
}

ProbeAsk ask_redis_cluster(const ProbeTarget& target, Duration timeout) {
  return over_kept<Redis>(redis_connector(target, timeout),
                          [target](Redis& redis) { return look(target, redis); });
}

}  // namespace panshi::agent
