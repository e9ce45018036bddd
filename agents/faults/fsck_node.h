// SPDX-License-Identifier: Apache-2.0
// The part of fsck that concerns the node rather than its services: helper processes, packet rules,
// queueing disciplines, files of faults, and what other tools for breaking things leave.
#pragma once

#include <vector>

#include "agents/faults/fsck.h"

namespace panshi::agent {

// Appends to `found`. Looks, never touches.
void find_node_leftovers(const FsckView& view, Host& host, std::vector<Leftover>& found);

}  // namespace panshi::agent
