// SPDX-License-Identifier: Apache-2.0
// Inventory: the nodes, and which services, links and programs each carries.
//
// Targets in scenarios and runbooks are names from here; a name that is not here is refused with
// the list of what is.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/json/fields.h"
#include "core/model/fault_reach.h"

namespace panshi {

// What an agent says of itself; none: it has not said so yet, and nothing can be called wrong.
struct AgentOffer {
  std::optional<std::vector<std::string>> signals;  // that it sends
  std::optional<FaultReach> reach;
  bool insecure = false;  // it listens beyond loopback without TLS

  bool operator==(const AgentOffer&) const = default;
};
// In the status that an agent answers with. What is malformed counts as not said.
AgentOffer offer_in(const nlohmann::json& status);
nlohmann::json to_json(const AgentOffer& offer);  // without what it did not say

struct InventoryNode {
  std::string name;
  std::string url;  // http://127.77.1.1:17701
  std::string token_file;
  std::vector<std::string> services;
  std::map<std::string, std::vector<std::string>> links;  // link -> its upstreams' names
  std::vector<std::string> programs;                      // named programs the agent may run
  AgentOffer offer = {};
  bool insecure = false;  // its token may go beyond this host in the clear
};

// Services that stand in for one another: so many must be left alone whatever is broken.
struct HealthyGroup {
  std::string name;
  std::vector<std::string> services;
  std::int64_t min_healthy = 1;
};

using AgentOffers = std::map<std::string, AgentOffer>;  // by node

struct Inventory {
  std::map<std::string, InventoryNode> nodes;
  std::vector<HealthyGroup> groups;

  // The node that carries the service; kNotFound lists the services there are.
  Result<std::string> node_of_service(const std::string& service) const;
  std::vector<std::string> services() const;
  std::vector<std::string> node_names() const;
  // Every signal that some agent sends, sorted; none when not every node says its own.
  std::optional<std::vector<std::string>> signals() const;
  // Of nodes of which the configuration does not say it.
  void learn(const AgentOffers& said);
};

// One element of `nodes` in the controller's configuration.
InventoryNode read_inventory_node(const nlohmann::json& json, const std::string& path,
                                  Problems& problems);
// One element of `groups`: {name, services, min_healthy}. Services are checked when `inventory` has
// its nodes.
HealthyGroup read_healthy_group(const nlohmann::json& json, const std::string& path,
                                const Inventory& inventory, Problems& problems);

}  // namespace panshi
