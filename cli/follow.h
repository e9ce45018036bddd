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

// `stop`: somebody aborts the drill (see AbortOnSignal); go on until it has reverted its faults and
// ended, for a bounded time. A controller that is away for a while (it may be starting again) is
// waited for.
Result<Followed> follow_drill(Connection& controller, Terminal& terminal, const std::string& drill,
                              const std::atomic<bool>& stop);

// "20.1 orders/s, success 99.8 %, p95 62 ms", or "" when there are no such signals.
std::string customers_text(const nlohmann::json& signals);
// "one.up 1, latency_ms 12.5, gone no data": the newest values of `names`, 5 at most; a signal that
// several nodes send has a value for each.
std::string signals_text(const nlohmann::json& signals, const std::vector<std::string>& names);

}  // namespace panshi::cli
