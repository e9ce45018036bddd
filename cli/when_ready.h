// SPDX-License-Identifier: Apache-2.0
// Starts something that the controller refuses for now, once it would accept it: --wait of
// commands.
#pragma once

#include <atomic>
#include <string>

#include "cli/connection.h"

namespace panshi::cli {

// Besides the controller's doubt of its evidence and a drill under way, which hold back everything.
enum class WaitsFor { kNothingElse, kClosedIncidents };

// POST as soon as nothing is in its way, at the latest after --wait seconds (at once without the
// option), and then with whatever answer comes. Not waited for: a halt, which a person ends, and
// errors other than a refusal. What is in the way is looked up first, because each refusal is an
// entry in the journal. `stop`: from another thread or a signal; ends it with kRefused.
Result<nlohmann::json> post_when_ready(Invocation& invocation, Connection& controller,
                                       const std::string& path, const nlohmann::json& request,
                                       WaitsFor waits_for, const std::atomic<bool>& stop);

}  // namespace panshi::cli
