// SPDX-License-Identifier: Apache-2.0
// The handlers of the fold, by part. Internal to controller/world.
//
// A handler trusts its event: it was made by us. It still never throws: a field that is missing or
// of another type reads as empty.
#pragma once

#include <map>
#include <string_view>

#include "controller/events/event_data.h"
#include "controller/world/state.h"

namespace panshi::controller {

using FoldHandler = void (*)(State& state, const Event& event);
using FoldTable = std::map<std::string_view, FoldHandler>;

void add_fault_folds(FoldTable& table);  // effects and faults
void add_drill_folds(FoldTable& table);
void add_run_folds(FoldTable& table);  // breaches, incidents, runs

// Notes what the event means for its drill's phases of failover, if anything.
void note_phase(State& state, const Event& event);

template <class T>
T* find_in(std::map<std::string, T>& map, const std::string& id) {
  const auto found = map.find(id);
  return found == map.end() ? nullptr : &found->second;
}

// Finished things are kept for people to look at, but not without end.
template <class T>
void forget_oldest(std::map<std::string, T>& map, std::size_t kept) {
  while (map.size() > kept) {
    auto oldest = map.end();
    for (auto it = map.begin(); it != map.end(); ++it) {
      if (it->second.active()) continue;
      if (oldest == map.end() || number_of(it->first) < number_of(oldest->first)) oldest = it;
    }
    if (oldest == map.end()) return;
    map.erase(oldest);
  }
}

}  // namespace panshi::controller
