// SPDX-License-Identifier: Apache-2.0
// What faults on a whole node have in common: that it is this node, and which files they may touch.
#pragma once

#include <filesystem>

#include "agents/faults/fault.h"

namespace panshi::agent {

// kNotFound when the target is another node.
Status check_node(const FaultRequest& request, Host& host);
// The path without links and dots. kInvalid: not absolute; kNotFound; kRefused: outside of every
// folder that the node's configuration allows.
Result<std::filesystem::path> allowed_path(const std::string& path, Host& host);
// Where originals are kept while files are broken.
std::filesystem::path kept_folder(Host& host);

std::string always_possible(Host& host);     // FaultKind::why_not
std::string why_no_directories(Host& host);  // of kinds that want an allowed folder

}  // namespace panshi::agent
