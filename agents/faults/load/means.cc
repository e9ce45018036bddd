// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/means.h"

#include "agents/faults/load/surge.h"

namespace panshi::agent {
namespace {

constexpr FaultMeans kMeans[] = {
    {.kind = "load.surge",
     .make = &make_load_surge,
     .cheap_measure = false,
     .why_not = &why_no_load},
};

}  // namespace

std::span<const FaultMeans> load_means() { return kMeans; }

}  // namespace panshi::agent
