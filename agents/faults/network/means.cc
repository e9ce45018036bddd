// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/means.h"

#include "agents/faults/network/packets.h"
#include "agents/faults/network/shaping.h"

namespace panshi::agent {
namespace {

// A measurement runs a tool, so it is made when a fault begins and ends only.
constexpr FaultMeans row(const char* kind, decltype(FaultMeans::make) make,
                         decltype(FaultMeans::why_not) why_not) {
  return {.kind = kind, .make = make, .cheap_measure = false, .why_not = why_not};
}

constexpr FaultMeans kMeans[] = {
    row("network.damage", &make_damage, &why_no_netem),
    row("network.delay", &make_delay, &why_no_netem),
    row("network.loss", &make_loss, &why_no_packet_rules),
    row("network.partition", &make_partition, &why_no_packet_rules),
    row("network.port-drop", &make_port_drop, &why_no_packet_rules),
    row("network.port-reject", &make_port_reject, &why_no_packet_rules),
    row("network.rate", &make_rate, &why_no_tbf),
};

}  // namespace

std::span<const FaultMeans> network_means() { return kMeans; }

}  // namespace panshi::agent
