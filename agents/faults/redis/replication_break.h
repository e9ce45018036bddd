// SPDX-License-Identifier: Apache-2.0
// redis.replication-break: a replica is cut off from its primary, and falls behind.
//
// The replica is given a password that its primary refuses, and its link is ended: it tries anew
// each second, in vain. REPLICAOF would be refused in a cluster, and would drop the data elsewhere.
// Only the replica is touched, and nothing of it is written to its configuration file.
#pragma once

#include "agents/faults/fault.h"

namespace panshi::agent {

inline constexpr const char* kWrongSecret = "panshi: no primary takes this";

std::unique_ptr<Fault> make_redis_replication_break(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
