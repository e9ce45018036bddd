// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/means.h"

#include "agents/faults/redis/admin.h"
#include "agents/faults/redis/expire_keys.h"
#include "agents/faults/redis/failover.h"
#include "agents/faults/redis/kill.h"
#include "agents/faults/redis/memory_full.h"
#include "agents/faults/redis/pause_clients.h"
#include "agents/faults/redis/replication_break.h"

namespace panshi::agent {
namespace {

constexpr FaultMeans kMeans[] = {
    {.kind = "redis.expire-keys",
     .make = &make_redis_expire_keys,
     .cheap_measure = false,
     .why_not = &why_no_redis},
    {.kind = "redis.failover",
     .make = &make_redis_failover,
     .cheap_measure = false,
     .why_not = &why_no_redis},
    {.kind = "redis.kill",
     .make = &make_redis_kill,
     .cheap_measure = false,
     .why_not = &why_no_redis},
    {.kind = "redis.memory-full",
     .make = &make_redis_memory_full,
     .cheap_measure = false,
     .why_not = &why_no_redis},
    {.kind = "redis.pause-clients",
     .make = &make_redis_pause_clients,
     .cheap_measure = false,
     .why_not = &why_no_redis},
    {.kind = "redis.replication-break",
     .make = &make_redis_replication_break,
     .cheap_measure = false,
     .why_not = &why_no_redis},
};

}  // namespace

std::span<const FaultMeans> redis_means() { return kMeans; }

}  // namespace panshi::agent
