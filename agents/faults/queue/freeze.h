// SPDX-License-Identifier: Apache-2.0
// queue.leader-stop: freezes the NATS server that leads a stream at that moment.
// queue.consumer-stall: freezes a service that consumes a stream; messages pile up.
//
// A frozen server keeps its sockets, as one with a stalled disk: the others of its cluster must
// find out and choose a leader. nats-server 2.9 cannot pause a consumer, and one that was removed
// would come back without its place, so it is the service that stalls.
#pragma once

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_queue_leader_stop(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_queue_consumer_stall(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
