// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/effect.h"

#include <cmath>

namespace panshi::agent {

bool Effect::met() const { return std::abs(measured - asked) <= tolerance; }

void add_effect(nlohmann::json& measured, const Effect& effect) {
  measured["effects"].push_back({{"what", effect.what},
                                 {"unit", effect.unit},
                                 {"asked", effect.asked},
                                 {"measured", effect.measured},
                                 {"tolerance", effect.tolerance},
                                 {"met", effect.met()}});
}

}  // namespace panshi::agent
