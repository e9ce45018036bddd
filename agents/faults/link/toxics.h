// SPDX-License-Identifier: Apache-2.0
// The kinds link.*: one toxic on one link of this node, under the fault's id.
//
// Toxics live in the agent's memory: when the agent dies they are gone with it.
#pragma once

#include "agents/faults/fault.h"
#include "agents/links/toxic.h"

namespace panshi::agent {

// What all of them and the kinds http.* are.
std::unique_ptr<Fault> make_link_fault(const FaultRequest& request, const Toxic& toxic, Host& host);

std::unique_ptr<Fault> make_link_bandwidth(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_link_blackhole(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_link_delay(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_link_down(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_link_limit(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_link_refuse(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_link_reset(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_link_reset_peer(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_link_slicer(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_link_slow_close(const FaultRequest& request, Host& host);
std::string why_no_link(Host& host);

}  // namespace panshi::agent
