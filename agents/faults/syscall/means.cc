// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/means.h"

#include "agents/faults/syscall/inject.h"

namespace panshi::agent {
namespace {

// A process has one tracer, so the second fault on a service is refused whatever its kind.
constexpr FaultMeans kMeans[] = {
    {.kind = "syscall.delay",
     .make = &make_syscall_delay,
     .cheap_measure = true,
     .why_not = &why_no_tracer},
    {.kind = "syscall.error",
     .make = &make_syscall_error,
     .cheap_measure = true,
     .why_not = &why_no_tracer},
};

}  // namespace

std::span<const FaultMeans> syscall_means() { return kMeans; }

}  // namespace panshi::agent
