// SPDX-License-Identifier: Apache-2.0
// How a role's file names the Redis servers: one, or the nodes of a cluster.
#pragma once

#include <vector>

#include "core/io/redis_cluster.h"
#include "core/json/fields.h"
#include "platform/storefront/base/serve.h"

namespace panshi::shop {

struct RedisConfig {
  std::vector<HostPort> nodes;   // as they announce themselves
  std::vector<HostPort> links;   // empty, or where each of them is reached, in the same order
  std::int64_t connections = 8;  // to each node
  Duration timeout = std::chrono::milliseconds(300);  // of one command
};
// `redis: {address}` or `redis: {nodes, links}`, and `connections`, `timeout`.
void need_redis(Fields& in, RedisConfig& config);
RedisCluster::Options redis_options(const RedisConfig& config);

}  // namespace panshi::shop
