// SPDX-License-Identifier: Apache-2.0
// What a drill came to, on one screen: verdict, phases in ms, ledger, what to read next; and other
// things of the API in a few words.
#pragma once

#include <nlohmann/json.hpp>

#include "cli/terminal.h"

namespace panshi::cli {

// `drill`: as GET /api/v1/drills/{id} gives it.
void print_summary(Terminal& terminal, const nlohmann::json& drill);
// 0 pass, 1 fail, 2 unknown or not ended, 3 aborted.
int exit_code_of_drill(const nlohmann::json& drill);

// A link's upstreams: "primary up 3, standby down, drained 0": health where it is checked, weight
// where connections are drawn by it ("x2"), and the connections of each.
std::string upstreams_text(const nlohmann::json& link);

}  // namespace panshi::cli
