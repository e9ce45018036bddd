// SPDX-License-Identifier: Apache-2.0
#include "controller/drills/draw.h"

#include "core/base/random.h"

namespace panshi::controller {

std::vector<Target> draw_targets(const Scenario& scenario, std::uint64_t seed) {
  Random random(seed);
  std::vector<Target> targets;
  for (const ScenarioFault& fault : scenario.faults) {
    Target target = fault.target;
    if (target.services.size() > 1) {
      target.services = {target.services[random.below(target.services.size())]};
    }
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace panshi::controller
