// SPDX-License-Identifier: Apache-2.0
// Catalog: everything the controller was configured with, read and checked once at start.
//
// Immutable afterwards; any thread may read it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/model/inventory.h"
#include "core/model/rule.h"
#include "core/model/runbook.h"
#include "core/model/scenario.h"
#include "core/model/schedule.h"

namespace panshi {

struct Catalog {
  Inventory inventory;
  std::map<std::string, Scenario> scenarios;  // by name
  std::map<std::string, Rule> rules;
  std::map<std::string, Runbook> runbooks;
  std::vector<DrillDay> drill_days;
};

}  // namespace panshi
