// SPDX-License-Identifier: Apache-2.0
// Needs: what the next long poll of each node must say. The loop publishes it each turn.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/snapshot.h"

namespace panshi::controller {

struct NodeNeeds {
  std::vector<std::string> renew;                  // ids of faults whose leases go on
  nlohmann::json watch = nlohmann::json::array();  // [{"signal","is","value"}]
};

using NeedsOfNodes = std::map<std::string, NodeNeeds>;

struct Needs {
  std::shared_ptr<const NeedsOfNodes> nodes = std::make_shared<NeedsOfNodes>();
  std::int64_t epoch = 0;  // goes with every call that changes something
  MonoTime at{};           // when the loop last turned: a stuck loop renews nothing
};

using NeedsBoard = Snapshot<Needs>;

}  // namespace panshi::controller
