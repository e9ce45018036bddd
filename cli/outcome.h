// SPDX-License-Identifier: Apache-2.0
// What became of an order: the controller's answer says that it was given, an event what an agent
// made of it. A person wants to know the second.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/connection.h"

namespace panshi::cli {

// POST of an order to the agent of `node` and, within 20 s, its outcome: longer than the controller
// waits for an agent. --json: {"effect", "outcome": ok | failed | unknown or null, "detail"}; else
// `said` when it went well. kFail with the agent's reason, kUnreachable when it could not be asked,
// kUnknown when nobody can say.
int order(Invocation& invocation, const std::string& path, const nlohmann::json& body,
          const std::function<std::string()>& said);

}  // namespace panshi::cli
