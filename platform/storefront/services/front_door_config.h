// SPDX-License-Identifier: Apache-2.0
// What the gateway's front door reads from the gateway's file; docs/reference/storefront.md has it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/json/fields.h"
#include "platform/storefront/model/adaptive_limit.h"
#include "platform/storefront/model/degradation_level.h"
#include "platform/storefront/risk/rules.h"

namespace panshi::shop {

struct FrontDoorConfig {
  AdaptiveLimit::Options limit = {};
  std::int64_t places = 63;  // of customers who have paid: every thread but one
  Degradation::Options degradation = {};
  RiskConfig risk = {};
  std::vector<std::string> trusted_peers = {};  // whose X-Forwarded-For is believed
  std::string marker_key = {};                  // the same at every edge; "": a random one
  std::int64_t paid_orders_max = 20'000;        // remembered as paid
  std::int64_t paid_visits_max = 20;            // a second and paid order that go first
};

// The keys `limiter`, `degradation`, `risk`, `trusted_peers` and `marker_key`. The limit stays
// under `threads`: somebody must be free to refuse.
void read_front_door_config(Fields& in, std::int64_t threads, FrontDoorConfig& config);

}  // namespace panshi::shop
