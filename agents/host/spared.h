// SPDX-License-Identifier: Apache-2.0
// What no fault on the network may touch: the agents' port, by which a controller ends faults,
// the controller's own, if it is on this machine, and ssh, by which a person does. In the words of
// nft and of tc. Pure.
#pragma once

#include <string>
#include <vector>

#include "agents/config/fault_scope.h"

namespace panshi::agent {

// "ip daddr 10.0.0.1 tcp dport 7001 accept; ip saddr 10.0.0.1 tcp sport 7001 accept; tcp dport 22
// accept;", for a chain of the packets that come, or of those that go.
std::string nft_exceptions(const FaultScope& scope, bool incoming);

// What of the packets that leave an interface is spared, whichever end is here: on `lo` both are.
// Each: words of `tc filter add dev INTERFACE parent HANDLE`, without the class to which it goes.
std::vector<std::vector<std::string>> tc_matches(const FaultScope& scope);

}  // namespace panshi::agent
