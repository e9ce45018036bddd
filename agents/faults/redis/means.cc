// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/means.h"

#include "agents/faults/redis/commands.h"
#include "agents/faults/redis/expire_keys.h"
#include "agents/faults/redis/failover.h"
#include "agents/faults/redis/kill.h"
#include "agents/faults/redis/memory_full.h"
#include "agents/faults/redis/pause_clients.h"
#include "agents/faults/redis/replication_break.h"

namespace panshi::agent {
namespace {

constexpr char kExpireKeys[] = "redis.expire-keys";
constexpr char kFailover[] = "redis.failover";
constexpr char kKill[] = "redis.kill";
constexpr char kMemoryFull[] = "redis.memory-full";
constexpr char kPauseClients[] = "redis.pause-clients";
constexpr char kReplicationBreak[] = "redis.replication-break";

template <const char* Kind, auto Make>
constexpr FaultMeans row() {
  return account_row<kRedisAccounts, Kind, Make>();
}

constexpr FaultMeans kMeans[] = {
    row<kExpireKeys, &make_redis_expire_keys>(),
    row<kFailover, &make_redis_failover>(),
    row<kKill, &make_redis_kill>(),
    row<kMemoryFull, &make_redis_memory_full>(),
    row<kPauseClients, &make_redis_pause_clients>(),
    row<kReplicationBreak, &make_redis_replication_break>(),
};

}  // namespace

std::span<const FaultMeans> redis_means() { return kMeans; }

}  // namespace panshi::agent
