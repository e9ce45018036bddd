// SPDX-License-Identifier: Apache-2.0
#include "controller/drills/draw.h"

#include "core/base/random.h"
#include "core/model/distinct.h"

namespace panshi::controller {
namespace {

// Those of `mine` that nobody has and that leave something for each of the later draws.
std::vector<std::string> free_for(const std::vector<std::string>& mine, const Choices& later,
                                  const std::set<std::string>& taken) {
  std::vector<std::string> free;
  for (const std::string& service : mine) {
    std::set<std::string> then = taken;
    if (then.insert(service).second && can_be_distinct(later, then)) free.push_back(service);
  }
  return free;
}

}  // namespace

bool draws_are_distinct(const Scenario& scenario) {
  const Draws draws = draws_of(scenario);
  return can_be_distinct(draws.choices, draws.named);
}

std::vector<Target> draw_targets(const Scenario& scenario, std::uint64_t seed) {
  Random random(seed);
  Draws draws = draws_of(scenario);
  std::vector<Target> targets;
  for (const ScenarioFault& fault : scenario.faults) {
    Target target = fault.target;
    if (target.services.size() > 1) {
      draws.choices.erase(draws.choices.begin());
      std::vector<std::string> free = free_for(target.services, draws.choices, draws.named);
      if (free.empty()) free = target.services;  // such a scenario is refused
      target.services = {free[random.below(free.size())]};
      draws.named.insert(target.services.front());
    }
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace panshi::controller
