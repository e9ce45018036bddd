// SPDX-License-Identifier: Apache-2.0
// Phases: how long each part of a failover took, on one clock.
//
// in force → symptom → detected → decided → routed → first good request → SLO met → redundancy back
// (docs/reference/events.md). A phase that the journal does not show is absent with a reason.
// Pure. Any thread.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/model/event.h"

namespace panshi::controller {

struct Phase {
  std::string name;
  std::optional<std::int64_t> seq;  // the event that says so, once the journal has numbered it
  std::optional<WallTime> at;
  std::optional<std::int64_t> since_in_force_us;
  std::optional<std::int64_t> took_us;  // since the last phase before it that was seen
  std::optional<double> share;          // of the time from in force to the last phase seen; 0..1
  std::string missing;                  // why it is absent
};

// Whether phases() looks at events of this kind; all others may be left out.
bool tells_of_phases(const Event& event);

// Always all eight, in order. `events`: of one drill or one incident, by seq.
std::vector<Phase> phases(const std::vector<Event>& events);

// [{"name","at_us","since_in_force_ms","took_ms","share","seq","missing"}]; absent ones are null.
nlohmann::json phases_json(const std::vector<Phase>& phases);

}  // namespace panshi::controller
