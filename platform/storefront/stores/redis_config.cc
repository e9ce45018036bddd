// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/stores/redis_config.h"

#include "core/base/text.h"

namespace panshi::shop {

using namespace std::chrono_literals;

void need_redis(Fields& in, RedisConfig& config) {
  const nlohmann::json* object = in.need_value("redis");
  if (!object) return;
  Fields redis(*object, in.path_of("redis"), in.problems());
  if (redis.has("nodes")) {
    need_host_ports(redis, "nodes", config.nodes);
    if (redis.has("links")) need_host_ports(redis, "links", config.links);
    if (!config.links.empty() && config.links.size() != config.nodes.size()) {
      redis.problem("links", "must be as many as `nodes`, in the same order");
    }
  } else {
    need_host_port(redis, "address", config.nodes.emplace_back());
  }
  redis.may("connections", config.connections, {1, 64});
  redis.may("timeout", config.timeout, {10ms, 60s});
  redis.done();
}

RedisCluster::Options redis_options(const RedisConfig& config) {
  const auto text = [](const HostPort& place) { return cat(place.host, ":", place.port); };
  RedisCluster::Options options = {.seeds = {},
                                   .connections = static_cast<std::size_t>(config.connections),
                                   .connect_timeout = config.timeout,
                                   .command_timeout = config.timeout,
                                   .patience = 2 * config.timeout};
  for (std::size_t i = 0; i < config.nodes.size(); ++i) {
    options.seeds.push_back(text(config.nodes[i]));
    if (i < config.links.size()) options.via[options.seeds.back()] = text(config.links[i]);
  }
  return options;
}

}  // namespace panshi::shop
