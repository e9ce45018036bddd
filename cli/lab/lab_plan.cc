// SPDX-License-Identifier: Apache-2.0
#include "cli/lab/lab_plan.h"

#include <algorithm>
#include <array>
#include <set>

#include "cli/lab/variables.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/json/fields.h"
#include "core/model/fault_reach.h"
#include "core/model/probe_signals.h"
#include "core/pki/authority.h"

namespace panshi::cli {
namespace {

using Json = nlohmann::json;

bool is_octet(const std::string& text) {
  if (text.empty() || text.size() > 3) return false;
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return false;
  return std::stoi(text) <= 255;
}

// Two octets with a dot between: "127.77", "4.1".
bool is_half_address(const std::string& text) {
  const std::vector<std::string> octets = split(text, '.');
  return octets.size() == 2 && is_octet(octets[0]) && is_octet(octets[1]);
}

// What a node and the controller have in common, and names for ${address:…}.
struct Scope {
  const LabPlan& plan;
  const LabOptions& options;
  const PlannedNode* node = nullptr;
  bool in_file = false;  // what is written to a file of the lab, which is its owner's alone

  // Never in a command or environment, which others may read.
  Result<std::string> secret(const std::string& name) const {
    const std::string file = cat("{secret: \"${lab}/secrets/", name, "\"}");
    if (!in_file) {
      return fail(ErrorCode::kInvalid, cat("${secret:", name, "} is for the `content` of `files` ",
                                           "alone; here write ", file));
    }
    if (std::find(plan.secrets.begin(), plan.secrets.end(), name) == plan.secrets.end()) {
      return fail(ErrorCode::kInvalid,
                  cat("${secret:", name, "} is not one of `secrets`",
                      did_you_mean(name, plan.secrets), "; add it there: `secrets: [",
                      join(plan.secrets, ", "), plan.secrets.empty() ? "" : ", ", name, "]`"));
    }
    const auto made = options.secrets.find(name);
    return made == options.secrets.end() ? std::string() : made->second;
  }

  Result<const PlannedNode*> find(const std::string& name,
                                  const std::optional<std::string>& argument) const {
    if (!argument) {
      if (node != nullptr) return node;
      return fail(ErrorCode::kInvalid,
                  cat("${", name, "} has no node here; say which: ${", name, ":NODE}"));
    }
    std::vector<std::string> names;
    for (const PlannedNode& one : plan.nodes) {
      if (one.name == *argument) return &one;
      names.push_back(one.name);
    }
    return fail(ErrorCode::kInvalid,
                cat("${", name, ":", *argument, "} names no node", did_you_mean(*argument, names),
                    "; nodes: ", join(names, ", ")));
  }

  Result<std::string> operator()(const std::string& name,
                                 const std::optional<std::string>& argument) const {
    if (name == "address" || name == "state") {
      if (name == "address" && argument == kController) return plan.controller_address;
      ASSIGN_OR_RETURN(const PlannedNode* one, find(name, argument));
      return name == "address" ? one->address : one->state.string();
    }
    if (name == "secret" && argument) return secret(*argument);
    if (!argument) {
      if (name == "account") return plan.account;
      if (name == "lab") return options.lab.string();
      if (name == "bin") return options.bin.string();
      if (name == "source") return options.source.string();
      if (name == "user") return options.user;
      if (name == "network") return plan.network;
      if (name == "rate") return std::to_string(plan.rate);
    }
    static const std::vector<std::string> kKnown = {
        "address", "state", "lab", "bin", "source", "user", "account", "rate", "network", "secret"};
    return fail(ErrorCode::kInvalid,
                cat("unknown variable ${", name, argument ? ":" + *argument : "", "}",
                    did_you_mean(name, kKnown), "; known: ", join(kKnown, ", ")));
  }
};

void read_names(const Json& root, LabPlan& plan, const LabOptions& options, Problems& problems) {
  const Json empty = Json::array();
  const Json& nodes = root.is_object() && root.contains("nodes") && root["nodes"].is_array()
                          ? root["nodes"]
                          : empty;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const std::string path = cat("nodes[", i, "]");
    const Json& json = nodes[i];
    PlannedNode node;
    if (json.is_object()) {
      node.name =
          json.contains("name") && json["name"].is_string() ? json["name"].get<std::string>() : "";
      const std::string host =
          json.contains("host") && json["host"].is_string() ? json["host"].get<std::string>() : "";
      if (!is_half_address(host))
        problems.add(path + ".host", "wants two numbers in quotes: \"4.1\"");
      node.address = plan.network + "." + host;
    }
    if (!is_id(node.name) || node.name == kController) {
      problems.add(path + ".name", "wants a name of letters, digits, - and _ (not `controller`)");
    }
    for (const PlannedNode& other : plan.nodes) {
      if (other.name == node.name) problems.add(path + ".name", "is there twice: " + node.name);
      if (other.address == node.address)
        problems.add(path + ".host", "is the host of " + other.name);
    }
    node.state = node_state(options.lab, node.name);
    plan.nodes.push_back(std::move(node));
  }
  if (plan.nodes.empty()) problems.add("nodes", "wants at least one node");
}

std::uint16_t port_of(const Json& config, std::uint16_t fallback, const std::string& path,
                      Problems& problems) {
  if (!config.contains("port")) return fallback;
  const Json& port = config["port"];
  const std::int64_t number = port.is_number_integer() ? port.get<std::int64_t>() : 0;
  if (number < 1 || number > 65535) problems.add(path, "wants a whole number from 1 to 65535");
  return static_cast<std::uint16_t>(number);
}

Json tls_config(const std::filesystem::path& lab, const std::string& peer) {
  const TlsFiles files = Authority::files_in(tls_folder(lab), peer);
  return {{"certificate", files.certificate.string()},
          {"key", files.key.string()},
          {"authority", files.authority.string()},
          {"revoked", files.revoked.string()}};
}

void read_node(const Json& json, std::size_t index, const Json& defaults, Scope scope,
               PlannedNode& node, Problems& problems) {
  if (!json.is_object()) {
    problems.add(cat("nodes[", index, "]"), "wants name, host and what the agent is to do");
    return;
  }
  Json own = json;
  Json shared = defaults;
  scope.node = &node;
  expand_json(own, cat("nodes[", index, "]"), scope, problems);
  // A mistake in the defaults is one mistake, not one of each node.
  Problems other_nodes;
  expand_json(shared, "defaults", scope, index == 0 ? problems : other_nodes);
  Json config = merged(shared, own);
  config.erase("name");
  config.erase("host");
  for (const char* key : {"node", "address", "state", "tls"}) {
    if (config.contains(key)) {
      problems.add(cat("nodes[", index, "].", key), "is set by the lab; leave it out");
    }
  }
  config["node"] = node.name;
  config["address"] = node.address;
  config["port"] = node.port =
      port_of(config, kAgentPort, cat("nodes[", index, "].port"), problems);
  node.url = cat(scope.plan.scheme(), node.address, ":", node.port);
  if (scope.plan.tls) {
    config["tls"] = tls_config(scope.options.lab, cat("node/", node.name));
  }
  config["state"] = node.state.string();
  node.config = std::move(config);
}

std::vector<std::string> names_in(const Json& config, const char* key) {
  std::vector<std::string> names;
  if (!config.contains(key)) return names;
  for (const Json& item : config[key]) {
    if (item.is_object() && item.contains("name") && item["name"].is_string()) {
      names.push_back(item["name"].get<std::string>());
    }
  }
  return names;
}

// What the controller must know of a node, read from the agent's configuration.
Json inventory_node(const PlannedNode& node) {
  Json links = Json::object();
  if (node.config.contains("links")) {
    for (const Json& link : node.config["links"]) {
      if (!link.is_object() || !link.contains("name") || !link["name"].is_string()) continue;
      links[link["name"].get<std::string>()] = names_in(link, "upstreams");
    }
  }
  Json programs = Json::array();
  if (node.config.contains("programs") && node.config["programs"].is_object()) {
    for (const auto& [name, program] : node.config["programs"].items()) programs.push_back(name);
  }
  Json known = {{"name", node.name},
                {"url", node.url},
                {"services", node.services},
                {"links", std::move(links)},
                {"programs", std::move(programs)},
                {"signals", signals_of_agent(node.config)},
                {"reach", to_json(reach_of_agent(node.config))}};
  // Over TLS a controller proves who it is by its certificate.
  if (!node.config.contains("tls")) known["token_file"] = (node.state / "agent.token").string();
  return known;
}

void read_controller(const Json& json, const Scope& scope, LabPlan& plan, Problems& problems) {
  Json config = json;
  expand_json(config, "controller", scope, problems);
  std::string host = "0.1";
  if (config.contains("host"))
    host = config["host"].is_string() ? config["host"].get<std::string>() : "";
  if (!is_half_address(host))
    problems.add("controller.host", "wants two numbers in quotes: \"0.1\"");
  for (const char* key : {"address", "state", "nodes", "tls"}) {
    if (config.contains(key))
      problems.add(cat("controller.", key), "is set by the lab; leave it out");
  }
  plan.controller_port = port_of(config, kControllerPort, "controller.port", problems);
  config.erase("host");
  config["address"] = plan.controller_address;
  config["port"] = plan.controller_port;
  config["state"] = node_state(scope.options.lab, kController).string();
  if (plan.tls) config["tls"] = tls_config(scope.options.lab, kControllerPeer);
  for (const char* key : {"scenarios", "rules", "runbooks", "schedules"}) {
    if (!config.contains(key)) config[key] = (scope.options.source / key).string();
  }
  plan.controller = std::move(config);
}

void read_file_entry(const Json& item, const std::string& path, const Scope& scope,
                     const std::filesystem::path& beside, LabPlan& plan, Problems& problems) {
  Json entry = item;
  std::string target;
  std::string content;
  std::string from;
  Scope inside_it = scope;
  inside_it.in_file = true;
  if (entry.is_object()) {
    for (auto& [key, value] : entry.items()) {
      expand_json(value, cat(path, ".", key), key == "content" ? inside_it : scope, problems);
    }
  }
  Fields in(entry, path, problems);
  in.need("path", target);
  in.may("content", content);
  in.may("from", from);
  in.done();
  if (in.has("content") == in.has("from")) problems.add(path, "wants either `content` or `from`");
  const std::filesystem::path file = std::filesystem::path(target).lexically_normal();
  const std::filesystem::path inside = file.lexically_relative(scope.options.lab);
  if (inside.empty() || *inside.begin() == "..") {
    problems.add(path + ".path", "must lie in the lab's own directory: start it with ${lab}");
  }
  plan.files.push_back({file, content, from.empty() ? std::filesystem::path() : beside / from});
}

// Who runs the servers: whoever runs the lab, but for root an account without rights.
void read_account(Fields& in, const LabOptions& options, LabPlan& plan) {
  std::string account = "nobody";
  in.may("account", account);
  if (account.empty() || account == "root" || account == "0") {
    in.problem("account", "must be somebody without rights, for example nobody");
  }
  plan.account = options.is_root ? account : options.user;
}

void read_secrets(Fields& in, LabPlan& plan) {
  in.may("secrets", plan.secrets);
  std::set<std::string> seen;
  for (const std::string& name : plan.secrets) {
    if (!is_id(name)) in.problem("secrets", cat("`", name, "` wants letters, digits, - and _"));
    if (!seen.insert(name).second) in.problem("secrets", cat("`", name, "` is there twice"));
  }
}

void read_head(const Json& root, const LabOptions& options, LabPlan& plan, Problems& problems) {
  Fields in(root, "", problems);
  in.need("name", plan.name);
  in.need("network", plan.network);
  in.may("rate", plan.rate, {1, 10'000});
  in.may("tls", plan.tls);
  read_account(in, options, plan);
  read_secrets(in, plan);
  for (const char* key : {"defaults", "controller"}) {
    const Json* value = in.may_value(key);
    if (value != nullptr && !value->is_object()) in.problem(key, "wants keys and values");
  }
  in.may_each("files", [](const Json&, const std::string&) {});
  in.need_value("nodes");
  in.done();
  if (!plan.network.empty() &&
      !(is_half_address(plan.network) && plan.network.starts_with("127."))) {
    problems.add("network", "wants a loopback network in quotes: \"127.77\"");
  }
  if (!options.network.empty()) plan.network = options.network;
  if (options.rate > 0) plan.rate = options.rate;
  std::string host = "0.1";
  if (root.contains("controller") && root["controller"].is_object()) {
    const Json& named = root["controller"].value("host", Json("0.1"));
    if (named.is_string()) host = named.get<std::string>();
  }
  plan.controller_address = plan.network + "." + host;
}

Json object_or_empty(const Json& root, const char* key) {
  return root.contains(key) && root[key].is_object() ? root[key] : Json::object();
}

}  // namespace

std::filesystem::path config_file(const std::filesystem::path& lab, const std::string& name) {
  return lab / "config" / (name + ".json");
}

std::filesystem::path log_file(const std::filesystem::path& lab, const std::string& name) {
  return lab / "logs" / (name + ".log");
}

std::filesystem::path secret_file(const std::filesystem::path& lab, const std::string& name) {
  return lab / "secrets" / name;
}

std::filesystem::path tls_folder(const std::filesystem::path& lab) { return lab / "tls"; }

std::filesystem::path node_state(const std::filesystem::path& lab, const std::string& node) {
  return node == kController ? lab / kController : lab / "nodes" / node;
}

Result<LabPlan> plan_lab(const Document& document, const LabOptions& options) {
  const Json& root = document.root;
  if (!root.is_object())
    return fail(ErrorCode::kInvalid, document.file + ": a lab file wants keys and values");
  LabPlan plan;
  plan.rate = 20;
  Problems problems;
  read_head(root, options, plan, problems);
  read_names(root, plan, options, problems);
  const Scope scope{plan, options};
  const Json defaults = object_or_empty(root, "defaults");
  for (std::size_t i = 0; i < plan.nodes.size() && root.contains("nodes"); ++i) {
    read_node(root["nodes"][i], i, defaults, scope, plan.nodes[i], problems);
    if (plan.nodes[i].config.is_object())
      plan.nodes[i].services = names_in(plan.nodes[i].config, "services");
  }
  read_controller(object_or_empty(root, "controller"), scope, plan, problems);
  const std::filesystem::path beside = std::filesystem::path(document.file).parent_path();
  if (root.contains("files") && root["files"].is_array()) {
    for (std::size_t i = 0; i < root["files"].size(); ++i) {
      read_file_entry(root["files"][i], cat("files[", i, "]"), scope, beside, plan, problems);
    }
  }
  if (!problems.empty()) return fail(ErrorCode::kInvalid, problems_text(problems, document));
  plan.controller["nodes"] = Json::array();
  for (const PlannedNode& node : plan.nodes)
    plan.controller["nodes"].push_back(inventory_node(node));
  return plan;
}

Result<std::string> expand_template(const LabPlan& plan, const LabOptions& options,
                                    const PlannedFile& file, std::string_view text) {
  std::vector<UnknownVariable> mistakes;
  Scope scope{plan, options};
  scope.in_file = true;
  std::string out = expand_text(text, scope, mistakes);
  std::vector<std::string> lines;
  for (const UnknownVariable& mistake : mistakes) {
    lines.push_back(cat(file.from.string(), ":", mistake.line, ": ", mistake.message));
  }
  if (!lines.empty()) return fail(ErrorCode::kInvalid, join(lines, "\n"));
  return out;
}

}  // namespace panshi::cli
