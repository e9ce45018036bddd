// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/means.h"

#include "agents/faults/node_target.h"
#include "agents/faults/process/target_processes.h"
#include "agents/faults/resource/descriptors.h"
#include "agents/faults/resource/load.h"

namespace panshi::agent {
namespace {

constexpr FaultMeans kMeans[] = {
    {.kind = "resource.cpu",
     .make = &make_cpu_load,
     .cheap_measure = true,
     .why_not = &always_possible},
    {.kind = "resource.descriptors",
     .make = &make_descriptors,
     .cheap_measure = true,
     .why_not = &why_no_service},
    {.kind = "resource.disk-fill",
     .make = &make_disk_fill,
     .cheap_measure = true,
     .why_not = &why_no_directories},
    {.kind = "resource.disk-load",
     .make = &make_disk_load,
     .cheap_measure = true,
     .why_not = &why_no_directories},
    {.kind = "resource.memory",
     .make = &make_memory_load,
     .cheap_measure = true,
     .why_not = &always_possible},
    {.kind = "resource.processes",
     .make = &make_process_load,
     .cheap_measure = true,
     .why_not = &always_possible},
};

}  // namespace

std::span<const FaultMeans> resource_means() { return kMeans; }

}  // namespace panshi::agent
