// SPDX-License-Identifier: Apache-2.0
// DrillDay: a weekly time at which one scenario of a pool is drawn and run.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/json/fields.h"

namespace panshi {

struct DrillDay {
  std::string name;
  int weekday = 0;  // 0 Sunday … 6 Saturday
  int hour = 0;
  int minute = 0;
  std::string zone = "UTC";            // IANA
  std::vector<std::string> scenarios;  // one is drawn with the seed
  bool enabled = true;
  Duration missed_within = std::chrono::hours(1);  // still run this late after a restart
};

// A document {"drill_days": [...]}. That the zone exists is checked by the controller's scheduler.
std::vector<DrillDay> read_drill_days(const nlohmann::json& json, Problems& problems);

}  // namespace panshi
