// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/means.h"

#include "agents/faults/link/http.h"
#include "agents/faults/link/toxics.h"

namespace panshi::agent {
namespace {

constexpr FaultMeans kMeans[] = {
    {.kind = "http.body",
     .make = &make_http_body,
     .exclusive = false,
     .cheap_measure = true,
     .why_not = &why_no_http_link},
    {.kind = "http.delay",
     .make = &make_http_delay,
     .exclusive = false,
     .cheap_measure = true,
     .why_not = &why_no_http_link},
    {.kind = "http.header",
     .make = &make_http_header,
     .exclusive = false,
     .cheap_measure = true,
     .why_not = &why_no_http_link},
    {.kind = "http.status",
     .make = &make_http_status,
     .exclusive = false,
     .cheap_measure = true,
     .why_not = &why_no_http_link},
    {.kind = "link.bandwidth",
     .make = &make_link_bandwidth,
     .exclusive = false,
     .cheap_measure = true,
     .why_not = &why_no_link},
    {.kind = "link.blackhole",
     .make = &make_link_blackhole,
     .exclusive = false,
     .cheap_measure = true,
     .why_not = &why_no_link},
    {.kind = "link.delay",
     .make = &make_link_delay,
     .exclusive = false,
     .cheap_measure = true,
     .why_not = &why_no_link},
    {.kind = "link.down",
     .make = &make_link_down,
     .exclusive = false,
     .cheap_measure = true,
     .why_not = &why_no_link},
    {.kind = "link.limit",
     .make = &make_link_limit,
     .exclusive = false,
     .cheap_measure = true,
     .why_not = &why_no_link},
    {.kind = "link.refuse",
     .make = &make_link_refuse,
     .exclusive = false,
     .cheap_measure = true,
     .why_not = &why_no_link},
    {.kind = "link.reset",
     .make = &make_link_reset,
     .exclusive = false,
     .cheap_measure = true,
     .why_not = &why_no_link},
    {.kind = "link.reset-peer",
     .make = &make_link_reset_peer,
     .exclusive = false,
     .cheap_measure = true,
     .why_not = &why_no_link},
    {.kind = "link.slicer",
     .make = &make_link_slicer,
     .exclusive = false,
     .cheap_measure = true,
     .why_not = &why_no_link},
    {.kind = "link.slow-close",
     .make = &make_link_slow_close,
     .exclusive = false,
     .cheap_measure = true,
     .why_not = &why_no_link},
};

}  // namespace

std::span<const FaultMeans> link_means() { return kMeans; }

}  // namespace panshi::agent
