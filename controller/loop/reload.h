// SPDX-License-Identifier: Apache-2.0
// Reload: whether another catalog may take the place of the present one, while things are under
// way.
#pragma once

#include <string>

#include "controller/world/state.h"
#include "core/model/catalog.h"

namespace panshi::controller {

// Why not now; empty: it may. What is under way was judged by the catalog it began with: a drill, a
// run of a runbook that is another one now, a fault on a node that is gone.
std::string why_not_reload(const State& state, const Catalog& before, const Catalog& after);

}  // namespace panshi::controller
