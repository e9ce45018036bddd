// SPDX-License-Identifier: Apache-2.0
// One event in one line of plain words, for the timeline and for people who follow a drill live.
#pragma once

#include <optional>
#include <string>

#include "core/model/event.h"

namespace panshi::controller {

struct EventText {
  std::string what;  // drill | broken | seen | done | refused
  std::string text;
};

// Nothing for events that only matter to the machinery (intents, outcomes that are as expected).
std::optional<EventText> event_text(const Event& event);

}  // namespace panshi::controller
