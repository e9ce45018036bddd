// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/means.h"

#include "agents/faults/network/packets.h"
#include "agents/faults/network/shaping.h"

namespace panshi::agent {
namespace {

// A measurement runs a tool, so it is made when a fault begins and ends only.
constexpr FaultMeans row(const char* kind, decltype(FaultMeans::make) make, bool exclusive,
                         decltype(FaultMeans::why_not) why_not) {
  return {.kind = kind,
          .make = make,
          .exclusive = exclusive,
          .cheap_measure = false,
          .why_not = why_not};
}

// An interface has one root discipline: whoever came second could not be told from the first.
constexpr FaultMeans shaping(const char* kind, decltype(FaultMeans::make) make,
                             decltype(FaultMeans::why_not) why_not) {
  FaultMeans means = row(kind, make, false, why_not);
  means.claims = "interface";
  means.claimed_by = "interface";
  return means;
}

constexpr FaultMeans kMeans[] = {
    shaping("network.damage", &make_damage, &why_no_netem),
    shaping("network.delay", &make_delay, &why_no_netem),
    row("network.loss", &make_loss, true, &why_no_packet_rules),
    row("network.partition", &make_partition, false, &why_no_packet_rules),
    row("network.port-drop", &make_port_drop, false, &why_no_packet_rules),
    row("network.port-reject", &make_port_reject, false, &why_no_packet_rules),
    shaping("network.rate", &make_rate, &why_no_tbf),
};

}  // namespace

std::span<const FaultMeans> network_means() { return kMeans; }

}  // namespace panshi::agent
