// SPDX-License-Identifier: Apache-2.0
// Runbook: what to do about a breach, step by step, under guards.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/model/steps/step_kind.h"

namespace panshi {

struct Step {
  std::string name;
  const StepKind* kind = nullptr;            // null: of a document with problems
  std::shared_ptr<const StepAction> action;  // as `kind` is
  Duration timeout = std::chrono::seconds(10);
  std::int64_t retries = 0;
  std::string on_failure = "stop";  // stop | continue
  bool idempotent = true;           // may be repeated when its outcome is unknown
};

struct Runbook {
  std::string name;
  std::string title;
  std::string breach;  // of the trigger; empty: by hand only
  Duration cooldown = std::chrono::minutes(1);
  std::int64_t runs_max = 3;
  Duration runs_within = std::chrono::hours(1);
  std::vector<Step> steps;
};

Runbook read_runbook(const nlohmann::json& json, Problems& problems);

}  // namespace panshi
