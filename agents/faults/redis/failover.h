// SPDX-License-Identifier: Apache-2.0
// redis.failover: a replica of a Redis Cluster takes its primary's place.
//
// `force: no` is the orderly way, in which the primary waits until everything is copied and nothing
// is lost; `force: yes` does not ask it. Undone by the former primary doing the same; as long as
// that is away or follows nobody it is tried again, and when somebody else leads by then, or it
// left the cluster, there is nothing to undo.
#pragma once

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_redis_failover(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
