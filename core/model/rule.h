// SPDX-License-Identifier: Apache-2.0
// Rule: a threshold over a signal, with hold times; when it fires there is a breach.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/model/comparison.h"
#include "core/model/target.h"

namespace panshi {

struct Rule {
  std::string name;
  std::string title;
  Comparison when;                  // `when.hold` is the key `for`
  Comparison clear;                 // same signal and window; `clear.hold` is the key `clear_for`
  Target target;                    // what it says is ill; always a single one
  std::string severity = "ticket";  // ticket | page
};

// A document {"rules": [...]}.
std::vector<Rule> read_rules(const nlohmann::json& json, Problems& problems);

}  // namespace panshi
