// SPDX-License-Identifier: Apache-2.0
// The degradation plan, read: one row for each function of the shop and what can fail beneath it.
// Immutable: any thread.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace panshi::shop {

struct InTwoLanguages {
  std::string zh;
  std::string en;
};

struct DegradationRow {
  std::string function;
  std::int64_t level = 1;  // 1 core, 2 important, 3 extra
  InTwoLanguages title;
  std::vector<std::string> depends_on;  // taken away all at once
  InTwoLanguages otherwise;             // what the customer gets then
  std::int64_t status = 200;            // of the page he gets
  std::string says;                     // a key of the pages' dictionary, found on it; or else
  std::string leaves_out;               // what is not on it any more
};

extern const std::string_view kDegradationPlanYaml;  // plan.yaml

// Every mistake at once: unknown keys, a level that is none, a function named twice.
Result<std::vector<DegradationRow>> read_degradation_plan(std::string_view yaml);
const std::vector<DegradationRow>& degradation_plan();  // that of plan.yaml
nlohmann::json to_json(const std::vector<DegradationRow>& plan);

}  // namespace panshi::shop
