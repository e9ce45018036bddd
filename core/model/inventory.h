// SPDX-License-Identifier: Apache-2.0
// Inventory: the nodes, and which services, links and programs each carries.
//
// Targets in scenarios and runbooks are names from here; a name that is not here is refused with
// the list of what is.
#pragma once

#include <map>
#include <set>
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
};

struct Inventory {
  std::map<std::string, InventoryNode> nodes;
  std::set<std::string> quorums;  // reserved for groups whose majority must stay

  // The node that carries the service; kNotFound lists the services there are.
  Result<std::string> node_of_service(const std::string& service) const;
  std::vector<std::string> services() const;
  std::vector<std::string> node_names() const;
};

// One element of `nodes` in the controller's configuration.
InventoryNode read_inventory_node(const nlohmann::json& json, const std::string& path,
                                  Problems& problems);

}  // namespace panshi
