// SPDX-License-Identifier: Apache-2.0
// Recomputes a written report from the record inside it and says what does not agree.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/model/event.h"

namespace panshi::controller {

struct Difference {
  std::string path;  // "/phases/2/since_in_force_ms"
  nlohmann::json reported;
  nlohmann::json recomputed;
};

struct Verification {
  std::size_t numbers = 0;  // numbers and sentences recomputed
  std::vector<Difference> differences;
};

// kInvalid when `report` is not a report document of ours.
Result<Verification> verify_report(const nlohmann::json& report);

// Events of the record that the journal says otherwise or does not know, and events of the journal
// that belong into the record and are not there. `journal`: all from the drill's first event to
// the record's `through_seq`, whatever they belong to.
Result<std::vector<Difference>> compare_with_journal(const nlohmann::json& report,
                                                     const std::vector<Event>& journal);

// Series of the record that the controller's samples say otherwise: changed, emptied, added or left
// out. `fresh`: the same drill's report as the controller makes it now. All samples are compared
// that the report has; of a drill that had not ended, none that came later. None when the
// controller keeps no samples of that time any more.
Result<std::optional<std::vector<Difference>>> compare_with_samples(const nlohmann::json& report,
                                                                    const nlohmann::json& fresh);

}  // namespace panshi::controller
