// SPDX-License-Identifier: Apache-2.0
// HostState: what of a machine faults may change, so that before and after can be compared: "it is
// as it was" is a claim about the whole host, not only about what a fault remembers.
//
// A JSON object of parts; a part is a list of lines, or an object of such parts:
//     {"stopped": ["4711 nginx"], "nft": [...], "iptables": [...], "ip6tables": [...],
//      "qdiscs": ["lo root noqueue 0:"], "cgroups": [...], "hosts": [...], "resolv": [...],
//      "mounts": [...], "helpers": ["d1.f-1"], "files": [...],
//      "services": {"shop": ["running", "stopped no", "Max open files 1024 4096 files"]}}
// A part that cannot be read is {"unavailable": "why"}. Counters, handles and pids of services,
// which change by themselves, are left out. Looks, never touches; calls tools with a bound.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agents/config/config.h"
#include "agents/host/host.h"

namespace panshi::agent {

nlohmann::json take_host_state(const AgentConfig& config, Host& host);
// The two parts that packet and shaping faults change; of the calling thread's network namespace.
nlohmann::json take_network_state();

// "- nft: table inet x {", "+ stopped: 4711 nginx": what is gone and what has come, by part; empty
// when both are the same. A part that is in one of them only counts line by line.
std::vector<std::string> host_state_differences(const nlohmann::json& before,
                                                const nlohmann::json& after);

}  // namespace panshi::agent
