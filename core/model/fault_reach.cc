// SPDX-License-Identifier: Apache-2.0
#include "core/model/fault_reach.h"

#include <algorithm>
#include <filesystem>

#include "core/json/fields.h"

namespace panshi {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

const Json& list_in(const Json& object, const char* key) {
  static const Json kNone = Json::array();
  if (!object.is_object() || !object.contains(key) || !object[key].is_array()) return kNone;
  return object[key];
}

std::string word_in(const Json& object, const char* key) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_string()) return {};
  return object[key].get<std::string>();
}

std::vector<std::string> entries_of(const Json& service) {
  std::vector<std::string> entries;
  for (const char* entry : {"sql", "redis", "nats", "load"}) {
    if (service.contains(entry)) entries.emplace_back(entry);
  }
  if (service.contains("nats") && !word_in(service["nats"], "monitor").empty()) {
    entries.emplace_back("nats.monitor");
  }
  return entries;
}

bool contains(const std::vector<std::string>& list, std::string_view one) {
  return std::find(list.begin(), list.end(), one) != list.end();
}

}  // namespace

bool FaultReach::has(const std::string& service, std::string_view entry) const {
  const auto found = services.find(service);
  return found != services.end() && contains(found->second, entry);
}

bool FaultReach::has_any(std::string_view entry) const {
  return std::any_of(services.begin(), services.end(),
                     [&](const auto& one) { return contains(one.second, entry); });
}

bool FaultReach::may_touch(const std::string& path) const {
  if (!directories) return true;
  const fs::path wanted = fs::path(path).lexically_normal();
  return std::any_of(directories->begin(), directories->end(), [&](const std::string& folder) {
    const fs::path inside = wanted.lexically_relative(fs::path(folder).lexically_normal());
    return !inside.empty() && *inside.begin() != "..";
  });
}

FaultReach reach_of_agent(const Json& config) {
  FaultReach reach;
  for (const Json& service : list_in(config, "services")) {
    const std::string name = word_in(service, "name");
    if (!name.empty()) reach.services[name] = entries_of(service);
  }
  for (const Json& link : list_in(config, "links")) {
    if (word_in(link, "protocol") == "http") reach.http_links.push_back(word_in(link, "name"));
  }
  reach.directories.emplace();
  if (!config.is_object() || !config.contains("limits")) return reach;
  for (const Json& folder : list_in(config["limits"], "directories")) {
    if (folder.is_string()) reach.directories->push_back(folder.get<std::string>());
  }
  return reach;
}

FaultReach read_fault_reach(const Json& json, const std::string& path, Problems& problems) {
  FaultReach reach;
  Fields in(json, path, problems);
  if (const Json* services = in.may_value("services")) {
    Fields fields(*services, in.path_of("services"), problems);
    const Json none = Json::object();
    for (const auto& [name, unused] : (services->is_object() ? *services : none).items()) {
      fields.may(name.c_str(), reach.services[name]);
    }
  }
  in.may("http_links", reach.http_links);
  if (in.has("directories")) in.may("directories", reach.directories.emplace());
  in.done();
  return reach;
}

Json to_json(const FaultReach& reach) {
  Json json = {{"services", reach.services}, {"http_links", reach.http_links}};
  if (reach.directories) json["directories"] = *reach.directories;
  return json;
}

}  // namespace panshi
