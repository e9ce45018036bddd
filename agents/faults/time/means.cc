// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/means.h"

#include "agents/faults/time/skew.h"

namespace panshi::agent {
namespace {

constexpr FaultMeans kMeans[] = {
    {.kind = "time.skew", .make = &make_time_skew, .cheap_measure = false, .why_not = &why_no_skew},
};

}  // namespace

std::span<const FaultMeans> time_means() { return kMeans; }

}  // namespace panshi::agent
