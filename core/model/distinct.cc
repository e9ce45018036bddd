// SPDX-License-Identifier: Apache-2.0
#include "core/model/distinct.h"

#include <map>

namespace panshi {
namespace {

// Kuhn's augmenting paths: lets `choice` take something, moving others if need be.
class Matching {
 public:
  Matching(const Choices& choices, const std::set<std::string>& taken)
      : choices_(choices), taken_(taken) {}

  bool place(std::size_t choice) {
    std::set<std::string> seen;
    return place(choice, seen);
  }

 private:
  bool place(std::size_t choice, std::set<std::string>& seen) {
    for (const std::string& name : choices_[choice]) {
      if (taken_.contains(name) || !seen.insert(name).second) continue;
      const auto owner = owner_.find(name);
      if (owner != owner_.end() && !place(owner->second, seen)) continue;
      owner_[name] = choice;
      return true;
    }
    return false;
  }

  const Choices& choices_;
  const std::set<std::string>& taken_;
  std::map<std::string, std::size_t> owner_;  // of what is given out
};

}  // namespace

bool can_be_distinct(const Choices& choices, const std::set<std::string>& taken) {
  Matching matching(choices, taken);
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (!matching.place(i)) return false;
  }
  return true;
}

Draws draws_of(const Scenario& scenario) {
  Draws draws;
  for (const ScenarioFault& fault : scenario.faults) {
    const auto& services = fault.target.services;
    if (services.size() > 1) draws.choices.push_back(services);
    if (services.size() == 1) draws.named.insert(services.front());
  }
  return draws;
}

}  // namespace panshi
