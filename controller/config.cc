// SPDX-License-Identifier: Apache-2.0
#include "controller/config.h"

#include <map>
#include <set>

#include "core/base/text.h"
#include "core/base/url.h"
#include "core/io/http_client.h"
#include "core/io/yaml.h"

namespace panshi::controller {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

void read_times(Fields& in, Config& config) {
  Settings& settings = config.settings;
  in.may("lease", settings.lease, {300ms, 10min});
  in.may("poll", config.poll, {10ms, 60s});
  in.may("agent_lost_after", settings.agent_lost_after, {50ms, 5min});
  in.may("late_bound", settings.late_bound, {10ms, 1min});
  if (config.poll > settings.lease / 3) {
    in.problem("poll", cat("must be at most a third of `lease` (", duration_text(settings.lease),
                           "), or one lost poll ends a fault"));
  }
  if (settings.agent_lost_after <= config.poll) {
    in.problem("agent_lost_after", cat("must be longer than `poll` (", duration_text(config.poll),
                                       "), or an agent with nothing to say is lost"));
  }
}

void read_users(Fields& in, Config& config) {
  const nlohmann::json* users = in.may_value("users");
  if (!users) return;
  if (!config.security.tls)
    in.problem("users", "are known by their certificates: `tls` is missing");
  const nlohmann::json none = nlohmann::json::object();
  if (!users->is_object()) in.problem("users", "must be names with a role each: {alice: operator}");
  for (const auto& [name, role] : (users->is_object() ? *users : none).items()) {
    const auto rights = rights_of_role(role.is_string() ? role.get<std::string>() : "");
    if (rights) config.users["user/" + name] = *rights;
    if (!rights) in.problem(cat("users.", name), rights.error().message);
  }
}

void read_nodes(Fields& in, bool with_tls, Inventory& inventory) {
  std::set<std::string> services;
  std::map<std::string, std::string> by_url;
  in.need_each("nodes", [&](const nlohmann::json& json, const std::string& path) {
    InventoryNode node = read_inventory_node(json, path, in.problems());
    if (node.name.empty()) return;
    const bool over_tls = node.url.starts_with("https://");
    if (has_user(node.url)) {
      in.problems().add(path + ".url", "holds no user and password: an agent knows `token_file`");
    }
    if (!node.url.empty() && !over_tls && !node.url.starts_with("http://")) {
      in.problems().add(path + ".url", "must start with https:// or http://");
    }
    if (over_tls && !with_tls) {
      in.problems().add(path + ".url", "https:// wants the controller's own certificate: `tls`");
    }
    if (is_clear_beyond_host(node.url) && !node.insecure) {
      in.problems().add(
          path + ".url",
          "is http:// beyond this host: whoever reads that network reads the token and "
          "can command the node; use https:// (panshi tls issue makes "
          "certificates), or write `insecure: true` for this node");
    }
    while (node.url.ends_with('/')) node.url.pop_back();
    const auto other = by_url.emplace(node.url, node.name).first;
    if (!node.url.empty() && other->second != node.name) {
      in.problems().add(path + ".url", cat("is that of node `", other->second,
                                           "` already: one agent is one node"));
    }
    for (const std::string& service : node.services) {
      if (services.insert(service).second) continue;
      in.problems().add(path + ".services", cat("`", service, "` is on another node already"));
    }
    const std::string name = node.name;
    if (inventory.nodes.emplace(name, std::move(node)).second) return;
    in.problems().add(path + ".name", cat("`", name, "` is used by another node already"));
  });
}

Config read_config(const Document& document, Problems& problems) {
  Config config;
  config.file = document.file;
  Fields in(document.root, "", problems);
  in.may("address", config.address);
  std::int64_t port = config.port;
  in.may("port", port, {0, 65'535});
  config.port = static_cast<std::uint16_t>(port);
  const fs::path base = fs::absolute(document.file).parent_path();  // people read them elsewhere
  const auto path = [&](const char* key, bool needed, fs::path& out) {
    std::string text;
    needed ? in.need(key, text) : in.may(key, text);
    if (!text.empty()) out = base / text;
  };
  const auto folder = [&](const char* key, bool needed, fs::path& out) {
    path(key, needed, out);
    std::error_code error;
    if (!out.empty() && !fs::is_directory(out, error)) {
      in.problem(key, cat("is no folder: ", out.string(),
                          fs::exists(out, error) ? " is a file" : " does not exist"));
    }
  };
  path("state", true, config.state);
  folder("scenarios", true, config.catalog.scenarios);
  folder("rules", true, config.catalog.rules);
  folder("runbooks", true, config.catalog.runbooks);
  folder("schedules", false, config.catalog.schedules);
  read_times(in, config);
  config.security = read_listen_security(in, base, config.address);
  read_users(in, config);
  read_nodes(in, config.security.tls.has_value(), config.inventory);
  for (auto& [name, node] : config.inventory.nodes) {
    if (!node.token_file.empty()) node.token_file = (base / node.token_file).string();
  }
  in.may_each("groups", [&](const nlohmann::json& json, const std::string& at) {
    config.inventory.groups.push_back(read_healthy_group(json, at, config.inventory, problems));
  });
  in.done();
  return config;
}

}  // namespace

Result<Config> load_config(const fs::path& file) {
  ASSIGN_OR_RETURN(const Document document, load_yaml(file));
  Problems problems;
  Config config = read_config(document, problems);
  if (!problems.empty()) return fail(ErrorCode::kInvalid, problems_text(problems, document));
  return config;
}

Result<Catalog> load_catalog(const Config& config) {
  ASSIGN_OR_RETURN(Catalog catalog, panshi::load_catalog(config.catalog, config.inventory));
  catalog.settings = config.settings;
  return catalog;
}

}  // namespace panshi::controller
