// SPDX-License-Identifier: Apache-2.0
#include "core/model/catalog.h"

#include "core/base/text.h"

namespace panshi {
namespace {

using Documents = std::map<std::string, nlohmann::json>;

// With the nodes and groups of the inventory, whose documents are in the configuration.
Documents with_nodes(const Catalog& catalog) {
  Documents all = catalog.documents;
  for (const auto& [name, node] : catalog.inventory.nodes) {
    all["node " + name] = {{"url", node.url},
                           {"token_file", node.token_file},
                           {"services", node.services},
                           {"links", node.links},
                           {"programs", node.programs},
                           {"offer", to_json(node.offer)}};
  }
  for (const HealthyGroup& group : catalog.inventory.groups) {
    all["group " + group.name] = {{"services", group.services}, {"min_healthy", group.min_healthy}};
  }
  return all;
}

}  // namespace

std::vector<std::string> changes_between(const Catalog& before, const Catalog& after) {
  const Documents old_ones = with_nodes(before);
  const Documents new_ones = with_nodes(after);
  std::map<std::string, std::string> changes;
  for (const auto& [name, document] : new_ones) {
    const auto known = old_ones.find(name);
    if (known == old_ones.end()) changes[name] = "is new";
    if (known != old_ones.end() && known->second != document) changes[name] = "changed";
  }
  for (const auto& [name, document] : old_ones) {
    if (!new_ones.contains(name)) changes[name] = "is gone";
  }
  std::vector<std::string> lines;
  for (const auto& [name, how] : changes) lines.push_back(cat(name, " ", how));
  return lines;
}

}  // namespace panshi
