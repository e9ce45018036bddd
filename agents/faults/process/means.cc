// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/means.h"

#include "agents/faults/node_target.h"
#include "agents/faults/process/crash_loop.h"
#include "agents/faults/process/kill.h"
#include "agents/faults/process/pause.h"
#include "agents/faults/process/restart.h"
#include "agents/faults/process/target_processes.h"

namespace panshi::agent {
namespace {

constexpr FaultMeans kMeans[] = {
    {.kind = "process.crash-loop",
     .make = &make_process_crash_loop,
     .cheap_measure = true,
     .why_not = &always_possible},
    {.kind = "process.exit-code",
     .make = &make_process_exit_code,
     .cheap_measure = true,
     .why_not = &why_no_service},
    {.kind = "process.kill",
     .make = &make_process_kill,
     .cheap_measure = true,
     .why_not = &always_possible},
    {.kind = "process.pause",
     .make = &make_process_pause,
     .cheap_measure = true,
     .why_not = &always_possible},
    {.kind = "process.restart",
     .make = &make_process_restart,
     .cheap_measure = true,
     .why_not = &always_possible},
};

}  // namespace

std::span<const FaultMeans> process_means() { return kMeans; }

}  // namespace panshi::agent
