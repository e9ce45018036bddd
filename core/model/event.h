// SPDX-License-Identifier: Apache-2.0
// Event: one line of the journal. The controller's state is the fold of its events.
//
// The kinds and their data are listed in docs/reference/events.md.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "core/base/clock.h"
#include "core/base/result.h"

namespace panshi {

struct Event {
  std::int64_t seq = 0;  // from 1, without gaps; given by the journal
  WallTime at{};         // when it happened, on the controller's clock
  std::string kind;      // "fault.live"
  std::string drill;     // ids of what it belongs to; empty when none
  std::string incident;
  std::string run;
  std::string node;
  nlohmann::json data = nlohmann::json::object();
};

// {"seq","at_us","kind","drill","incident","run","node","data"}
nlohmann::json to_json(const Event& event);
Result<Event> event_from_json(const nlohmann::json& json);

}  // namespace panshi
