// SPDX-License-Identifier: Apache-2.0
// Views: what the API shows of the world, and what the long polls need. Internal to
// controller/loop.
#pragma once

#include "controller/world/context.h"

namespace panshi::controller {

nlohmann::json view_of(const Catalog& catalog, const State& state, const Memory& memory,
                       WallTime now);

// Leases go on for what is wanted, and for what may be in force without our having heard.
std::vector<std::string> renewable(const State& state, const std::string& node);

nlohmann::json watched(const Catalog& catalog, const State& state, const std::string& node);

}  // namespace panshi::controller
