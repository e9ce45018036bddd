// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/means.h"

#include "agents/faults/process/kill.h"
#include "agents/faults/process/pause.h"
#include "agents/faults/process/service_target.h"

namespace panshi::agent {
namespace {

constexpr FaultMeans kMeans[] = {
    {.kind = "process.kill",
     .make = &make_process_kill,
     .exclusive = false,
     .cheap_measure = true,
     .why_not = &why_no_service},
    {.kind = "process.pause",
     .make = &make_process_pause,
     .exclusive = true,
     .cheap_measure = true,
     .why_not = &why_no_service},
};

}  // namespace

std::span<const FaultMeans> process_means() { return kMeans; }

}  // namespace panshi::agent
