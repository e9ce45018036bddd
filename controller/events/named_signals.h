// SPDX-License-Identifier: Apache-2.0
// The signals that a drill's scenario names: what its report and whoever follows it show.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/model/comparison.h"

namespace panshi::controller {

// What is wanted of each signal, in the order of the scenario: its steady state, its expectations,
// and the opposite of its stop conditions. A signal may stand there more than once.
// `scenario`: as in drill.started; what is not understood is passed over.
std::vector<Comparison> wanted_of_signals(const nlohmann::json& scenario);

// The names, each once.
std::vector<std::string> signals_named(const nlohmann::json& scenario);

// What every report shows if there is any: the bundled shop's customers.
inline constexpr std::array<const char*, 2> kCustomerSignals = {"checkout_success_ratio",
                                                                "checkout_p95_ms"};

// ">=" for "<" and so on.
std::string opposite_of(const std::string& is);

}  // namespace panshi::controller
