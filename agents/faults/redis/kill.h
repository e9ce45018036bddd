// SPDX-License-Identifier: Apache-2.0
// redis.kill: SIGKILL to some of the node's members of a Redis Cluster, chosen by a seed.
//
// Refused when the cluster could not go on without them, unless the order says by name that it may
// be lost (`quorum: lose`).
#pragma once

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_redis_kill(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
