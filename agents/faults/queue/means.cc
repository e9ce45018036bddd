// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/means.h"

#include "agents/faults/queue/admin.h"
#include "agents/faults/queue/fill.h"
#include "agents/faults/queue/freeze.h"

namespace panshi::agent {
namespace {

constexpr FaultMeans kMeans[] = {
    {.kind = "queue.consumer-stall",
     .make = &make_queue_consumer_stall,
     .cheap_measure = false,
     .why_not = &why_no_nats},
    {.kind = "queue.fill",
     .make = &make_queue_fill,
     .cheap_measure = false,
     .why_not = &why_no_nats},
    {.kind = "queue.leader-stop",
     .make = &make_queue_leader_stop,
     .cheap_measure = true,
     .why_not = &why_no_nats},
};

}  // namespace

std::span<const FaultMeans> queue_means() { return kMeans; }

}  // namespace panshi::agent
