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

namespace panshi {

struct InventoryNode {
  std::string name;
  std::string url;  // http://127.77.1.1:17701
  std::string token_file;
  std::vector<std::string> services;
  std::map<std::string, std::vector<std::string>> links;  // link -> its upstreams' names
  std::vector<std::string> programs;                      // named programs the agent may run
  // What its agent sends; none: nobody said so yet, and no name of a signal can be called wrong.
  std::optional<std::vector<std::string>> signals = std::nullopt;
};

// Services that stand in for one another: so many must be left alone whatever is broken.
struct HealthyGroup {
  std::string name;
  std::vector<std::string> services;
  std::int64_t min_healthy = 1;
};

// What each node's agent says that it sends.
using NodeSignals = std::map<std::string, std::vector<std::string>>;

struct Inventory {
  std::map<std::string, InventoryNode> nodes;
  std::vector<HealthyGroup> groups;

  // The node that carries the service; kNotFound lists the services there are.
  Result<std::string> node_of_service(const std::string& service) const;
  std::vector<std::string> services() const;
  std::vector<std::string> node_names() const;
  // Every signal that some agent sends, sorted; none when not every node says its own.
  std::optional<std::vector<std::string>> signals() const;
  // Of nodes whose list does not stand in the configuration.
  void learn(const NodeSignals& said);
};

// One element of `nodes` in the controller's configuration.
InventoryNode read_inventory_node(const nlohmann::json& json, const std::string& path,
                                  Problems& problems);
// One element of `groups`: {name, services, min_healthy}. Services are checked when `inventory` has
// its nodes.
HealthyGroup read_healthy_group(const nlohmann::json& json, const std::string& path,
                                const Inventory& inventory, Problems& problems);

}  // namespace panshi
