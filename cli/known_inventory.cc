// SPDX-License-Identifier: Apache-2.0
#include "cli/known_inventory.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "cli/connection.h"
#include "cli/lab/processes.h"
#include "cli/show.h"
#include "core/base/text.h"

namespace panshi::cli {
namespace {

using Json = nlohmann::json;

constexpr const char* kLabToCheck = "/lab";  // nothing is there

// Where a node is does not matter here, and a controller does not tell where it keeps tokens.
void read_nodes(Json nodes, Inventory& inventory, Problems& problems) {
  if (!nodes.is_array()) return problems.add("nodes", "must be a list");
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].is_object()) nodes[i]["url"] = nodes[i]["token_file"] = "-";
    InventoryNode node = read_inventory_node(nodes[i], cat("nodes[", i, "]"), problems);
    const std::string name = node.name;
    inventory.nodes[name] = std::move(node);
  }
}

std::vector<std::string> names_in(const Json& answer, const char* key) {
  std::vector<std::string> names;
  for (const Json& item : list_of(answer, key)) names.push_back(field(item, "name"));
  return names;
}

// Folders below the lab's own lie elsewhere in each lab.
void forget_places(InventoryNode& node) {
  if (!node.offer.reach) return;
  auto& folders = node.offer.reach->directories;
  const bool placed =
      folders && std::none_of(folders->begin(), folders->end(),
                              [](const auto& one) { return one.starts_with(kLabToCheck); });
  if (!placed) folders.reset();
}

// Somebody named a controller: that it does not answer is then a mistake.
bool is_asked_for(const Invocation& invocation) {
  return invocation.has("--controller") || std::getenv("PANSHI_CONTROLLER") != nullptr;
}

}  // namespace

bool is_lab(const Document& document) {
  return document.root.is_object() && document.root.contains("nodes") &&
         document.root.contains("network");
}

Result<LabPlan> plan_to_check(const Document& document) {
  return plan_lab(document, {.lab = kLabToCheck,
                             .bin = "/bin",
                             .source = "/source",
                             .user = own_user_name(),
                             .network = "",
                             .is_root = ::geteuid() == 0});
}

Result<KnownInventory> inventory_of(const LabPlan& plan) {
  KnownInventory known;
  known.from = cat("lab ", plan.name);
  Problems problems;
  read_nodes(plan.controller.value("nodes", Json::array()), known.inventory, problems);
  if (!problems.empty()) return tl::unexpected<Error>(problems.error());
  for (auto& [name, node] : known.inventory.nodes) forget_places(node);
  return known;
}

Result<KnownInventory> inventory_in(const std::string& file) {
  ASSIGN_OR_RETURN(const Document document, load_yaml(file));
  if (is_lab(document)) {
    ASSIGN_OR_RETURN(const LabPlan plan, plan_to_check(document));
    return inventory_of(plan);
  }
  if (!document.root.is_object() || !document.root.contains("nodes")) {
    return fail(ErrorCode::kInvalid,
                cat(file, ": names no nodes: expected a lab file or a controller's configuration"));
  }
  KnownInventory known;
  known.from = file;
  Problems problems;
  read_nodes(document.root["nodes"], known.inventory, problems);
  if (!problems.empty()) return fail(ErrorCode::kInvalid, problems_text(problems, document));
  return known;
}

Result<std::optional<KnownInventory>> inventory_of_controller(const Invocation& invocation) {
  auto controller = Connection::find(invocation);
  const auto answer = controller ? controller->get("/api/v1/catalog")
                                 : Result<Json>(tl::unexpected<Error>(controller.error()));
  if (!answer && !is_asked_for(invocation)) return std::optional<KnownInventory>();
  if (!answer) return tl::unexpected<Error>(answer.error());
  KnownInventory known;
  known.from = "the controller that runs";
  Problems problems;
  read_nodes(answer->value("nodes", Json::array()), known.inventory, problems);
  if (!problems.empty()) return tl::unexpected<Error>(problems.error());
  known.names = CatalogNames{.scenarios = names_in(*answer, "scenarios"),
                             .rules = names_in(*answer, "rules"),
                             .runbooks = names_in(*answer, "runbooks"),
                             .days = {}};
  return std::optional<KnownInventory>(std::move(known));
}

}  // namespace panshi::cli
