// SPDX-License-Identifier: Apache-2.0
#include "core/model/inventory.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/model/names.h"

namespace panshi {

Result<std::string> Inventory::node_of_service(const std::string& service) const {
  for (const auto& [name, node] : nodes) {
    const auto& carried = node.services;
    if (std::find(carried.begin(), carried.end(), service) != carried.end()) return name;
  }
  const auto known = services();
  return fail(ErrorCode::kNotFound,
              cat("unknown service `", service, "`", did_you_mean(service, known),
                  "; known: ", known.empty() ? "none" : join(known, ", ")));
}

std::vector<std::string> Inventory::services() const {
  std::vector<std::string> all;
  for (const auto& [name, node] : nodes) {
    all.insert(all.end(), node.services.begin(), node.services.end());
  }
  std::sort(all.begin(), all.end());
  return all;
}

std::vector<std::string> Inventory::node_names() const {
  std::vector<std::string> names;
  for (const auto& [name, node] : nodes) names.push_back(name);
  return names;
}

InventoryNode read_inventory_node(const nlohmann::json& json, const std::string& path,
                                  Problems& problems) {
  InventoryNode node;
  Fields in(json, path, problems);
  need_name(in, "name", node.name);
  in.need("url", node.url);
  in.need("token_file", node.token_file);
  in.may("services", node.services);
  if (const auto* links = in.may_value("links")) {
    Fields fields(*links, in.path_of("links"), problems);
    const nlohmann::json none = nlohmann::json::object();
    for (const auto& [link, unused] : (links->is_object() ? *links : none).items()) {
      fields.may(link.c_str(), node.links[link]);
    }
  }
  in.may("programs", node.programs);
  in.done();
  return node;
}

}  // namespace panshi
