// SPDX-License-Identifier: Apache-2.0
// Lists of events and samples as JSON, as in docs/reference/controller-api.md.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "controller/report/report.h"
#include "core/base/result.h"
#include "core/model/event.h"

namespace panshi::controller {

Result<std::vector<Event>> read_events(const nlohmann::json& list);

nlohmann::json series_json(const SignalSeries& series);
Result<SignalSeries> read_series(const nlohmann::json& json);

}  // namespace panshi::controller
