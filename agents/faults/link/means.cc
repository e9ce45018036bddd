// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/means.h"

#include "agents/faults/link/http.h"
#include "agents/faults/link/toxics.h"

namespace panshi::agent {
namespace {

constexpr FaultMeans kMeans[] = {
    {.kind = "http.body",
     .make = &make_http_body,
     .cheap_measure = true,
     .why_not = &why_no_http_link},
    {.kind = "http.delay",
     .make = &make_http_delay,
     .cheap_measure = true,
     .why_not = &why_no_http_link},
    {.kind = "http.header",
     .make = &make_http_header,
     .cheap_measure = true,
     .why_not = &why_no_http_link},
    {.kind = "http.status",
     .make = &make_http_status,
     .cheap_measure = true,
     .why_not = &why_no_http_link},
    {.kind = "link.bandwidth",
     .make = &make_link_bandwidth,
     .cheap_measure = true,
     .why_not = &why_no_link},
    {.kind = "link.blackhole",
     .make = &make_link_blackhole,
     .cheap_measure = true,
     .why_not = &why_no_link},
    {.kind = "link.delay",
     .make = &make_link_delay,
     .cheap_measure = true,
     .why_not = &why_no_link},
    {.kind = "link.down", .make = &make_link_down, .cheap_measure = true, .why_not = &why_no_link},
    {.kind = "link.limit",
     .make = &make_link_limit,
     .cheap_measure = true,
     .why_not = &why_no_link},
    {.kind = "link.refuse",
     .make = &make_link_refuse,
     .cheap_measure = true,
     .why_not = &why_no_link},
    {.kind = "link.reset",
     .make = &make_link_reset,
     .cheap_measure = true,
     .why_not = &why_no_link},
    {.kind = "link.reset-peer",
     .make = &make_link_reset_peer,
     .cheap_measure = true,
     .why_not = &why_no_link},
    {.kind = "link.slicer",
     .make = &make_link_slicer,
     .cheap_measure = true,
     .why_not = &why_no_link},
    {.kind = "link.slow-close",
     .make = &make_link_slow_close,
     .cheap_measure = true,
     .why_not = &why_no_link},
};

}  // namespace

std::span<const FaultMeans> link_means() { return kMeans; }

}  // namespace panshi::agent
