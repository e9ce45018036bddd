// SPDX-License-Identifier: Apache-2.0
// Taking over: what a controller must know before it commands agents that another one has
// commanded.
//
// Agents refuse an epoch below the highest they have seen, and remember the ids of faults and
// actions. A controller that lost its journal begins at 1 with both; `--take-over` asks every agent
// once, and the controller begins above what they say. A controller that is still running is
// refused by them from then on. Blocks; before any thread of the controller is started.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/io/tls.h"
#include "core/model/inventory.h"

namespace panshi::controller {

struct TakeOver {
  std::int64_t epoch = 0;            // the highest that an agent has seen and others would follow
  std::int64_t ids = 0;              // the highest number in an id of a fault or an action
  std::vector<std::string> silent;   // "node: why": their epoch is not known, they may refuse later
  std::vector<std::string> doubted;  // "node: why": nobody could follow the epoch that they say
};

// kUnavailable: no agent answered, with the reason of each.
// `tls`: who we are, for agents at https://.
Result<TakeOver> ask_agents(const Inventory& inventory,
                            const std::shared_ptr<const TlsFiles>& tls = {});

// Of the epochs that agents say, by node: the highest that is not out of reach of most of them. A
// lost node must not lead the controller to where no agent obeys it.
std::int64_t believed_epoch(const std::map<std::string, std::int64_t>& said,
                            std::vector<std::string>& doubted);

// The highest number in an id ("d-12-ice": 12); 0 when it has none.
std::int64_t highest_number_in(const std::string& id);

}  // namespace panshi::controller
