// SPDX-License-Identifier: Apache-2.0
#include "core/model/target.h"

#include "core/base/text.h"

namespace panshi {
namespace {

void read_services(Fields& in, Target& target) {
  const nlohmann::json* found = in.may_value("service");
  if (!found) return;
  if (found->is_object()) {
    Fields choice(*found, in.path_of("service"), in.problems());
    choice.need_each("any_of", [&](const nlohmann::json& item, const std::string& path) {
      if (!item.is_string() || item.get<std::string>().empty()) {
        return in.problems().add(path, "must be the name of a service");
      }
      target.services.push_back(item.get<std::string>());
    });
    return choice.done();
  }
  std::string service;
  in.need("service", service);
  if (!service.empty()) target.services = {service};
}

}  // namespace

std::string Target::text() const {
  if (is_link()) return cat(node, "/", link);
  if (is_node()) return cat("node ", node);
  if (services.size() == 1) return services.front();
  return cat("any of ", join(services, ", "));
}

Target read_target(const nlohmann::json& json, const std::string& path, Problems& problems) {
  Target target;
  Fields in(json, path, problems);
  if (json.is_object() && !in.has("service") && !in.has("node") && !in.has("link")) {
    in.problem("", "selects nothing: expected {service}, {node, link} or {node}");
  } else if (in.has("service")) {
    read_services(in, target);
    if (in.has("node") || in.has("link")) {
      in.problem("", "names a service and a node: expected one of them");
      (void)in.may_value("node");
      (void)in.may_value("link");
    }
  } else if (json.is_object()) {
    in.need("node", target.node);
    if (in.has("link")) in.need("link", target.link);
  }
  (void)in.may_value("service");
  in.done();
  return target;
}

nlohmann::json to_json(const Target& target) {
  if (target.is_link()) return {{"node", target.node}, {"link", target.link}};
  if (target.is_node()) return {{"node", target.node}};
  if (target.services.size() == 1) return {{"service", target.services.front()}};
  return {{"service", {{"any_of", target.services}}}};
}

}  // namespace panshi
