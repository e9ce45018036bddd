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

std::optional<std::vector<std::string>> Inventory::signals() const {
  std::vector<std::string> all;
  for (const auto& [name, node] : nodes) {
    const auto& sent = node.offer.signals;
    if (!sent) return std::nullopt;
    all.insert(all.end(), sent->begin(), sent->end());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

void Inventory::learn(const AgentOffers& said) {
  for (auto& [name, node] : nodes) {
    const auto found = said.find(name);
    if (found == said.end()) continue;
    if (!node.offer.signals) node.offer.signals = found->second.signals;
    if (!node.offer.reach) node.offer.reach = found->second.reach;
  }
}

AgentOffer offer_in(const nlohmann::json& status) {
  AgentOffer offer;
  if (!status.is_object()) return offer;
  Problems ignored;
  Fields in(status, "", ignored);
  if (in.has("signals")) in.may("signals", offer.signals.emplace());
  if (!ignored.empty()) offer.signals.reset();
  in.may("insecure", offer.insecure);
  if (const auto* reach = in.may_value("reach")) {
    Problems wrong;
    offer.reach = read_fault_reach(*reach, "", wrong);
    if (!wrong.empty()) offer.reach.reset();
  }
  return offer;
}

nlohmann::json to_json(const AgentOffer& offer) {
  nlohmann::json json = nlohmann::json::object();
  if (offer.signals) json["signals"] = *offer.signals;
  if (offer.reach) json["reach"] = to_json(*offer.reach);
  return json;
}

InventoryNode read_inventory_node(const nlohmann::json& json, const std::string& path,
                                  Problems& problems) {
  InventoryNode node;
  Fields in(json, path, problems);
  need_name(in, "name", node.name);
  in.need("url", node.url);
  // Over TLS the controller's certificate says who it is.
  if (node.url.starts_with("https://")) {
    in.may("token_file", node.token_file);
  } else {
    in.need("token_file", node.token_file);
    in.may("insecure", node.insecure);
  }
  in.may("services", node.services);
  if (const auto* links = in.may_value("links")) {
    Fields fields(*links, in.path_of("links"), problems);
    const nlohmann::json none = nlohmann::json::object();
    for (const auto& [link, unused] : (links->is_object() ? *links : none).items()) {
      fields.may(link.c_str(), node.links[link]);
    }
  }
  in.may("programs", node.programs);
  if (in.has("signals")) in.may("signals", node.offer.signals.emplace());
  if (const auto* reach = in.may_value("reach")) {
    node.offer.reach = read_fault_reach(*reach, in.path_of("reach"), problems);
  }
  in.done();
  return node;
}

HealthyGroup read_healthy_group(const nlohmann::json& json, const std::string& path,
                                const Inventory& inventory, Problems& problems) {
  HealthyGroup group;
  Fields in(json, path, problems);
  need_name(in, "name", group.name);
  (void)in.need_value("services");
  in.may("services", group.services);
  const auto all = static_cast<std::int64_t>(group.services.size());
  in.need("min_healthy", group.min_healthy, {1, std::max<std::int64_t>(all, 1)});
  in.done();
  const std::vector<std::string> known = inventory.services();
  for (std::size_t i = 0; i < group.services.size(); ++i) {
    const std::string& service = group.services[i];
    if (std::find(known.begin(), known.end(), service) != known.end()) continue;
    problems.add(cat(in.path_of("services"), "[", i, "]"),
                 cat("unknown service `", service, "`", did_you_mean(service, known)));
  }
  return group;
}

}  // namespace panshi
