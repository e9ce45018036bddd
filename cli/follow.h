// SPDX-License-Identifier: Apache-2.0
// Follows a drill live by long poll of the journal, until it is done.
#pragma once

#include <atomic>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/connection.h"
#include "cli/terminal.h"

namespace panshi::cli {

struct Followed {
  nlohmann::json drill;                   // as it stands at the end
  std::vector<std::string> report_files;  // as the journal names them
};

// `stop`: abort the drill, then go on until it has reverted its faults and ended, for a bounded
// time. A controller that is away for a while (it may be starting again) is waited for.
Result<Followed> follow_drill(Connection& controller, Terminal& terminal, const std::string& drill,
                              const std::atomic<bool>& stop);

// "20.1 orders/s, success 99.8 %, p95 62 ms", or "" when there are no such signals.
std::string customers_text(const nlohmann::json& signals);

}  // namespace panshi::cli
