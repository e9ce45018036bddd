// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/means.h"

#include "agents/faults/dns/names.h"

namespace panshi::agent {
namespace {

// Two resolvers would pass on to one another, so there is one of each kind at most, and the second
// kind's queries come to whichever rule the kernel asks first.
constexpr FaultMeans kMeans[] = {
    {.kind = "dns.answer",
     .make = &make_dns_answer,
     .cheap_measure = false,
     .why_not = &why_no_redirect},
    {.kind = "dns.failure",
     .make = &make_dns_failure,
     .cheap_measure = false,
     .why_not = &why_no_redirect},
};

}  // namespace

std::span<const FaultMeans> dns_means() { return kMeans; }

}  // namespace panshi::agent
