// SPDX-License-Identifier: Apache-2.0
#include "core/model/target.h"

#include <algorithm>

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
      const std::string name = item.get<std::string>();
      const auto& named = target.services;
      if (std::find(named.begin(), named.end(), name) != named.end()) {
        return in.problems().add(path, cat("`", name, "` is named twice"));
      }
      target.services.push_back(name);
    });
    return choice.done();
  }
  std::string service;
  in.need("service", service);
  if (!service.empty()) target.services = {service};
}

constexpr const char* kParts[] = {"link", kProcessSelectors[0], kProcessSelectors[1],
                                  kProcessSelectors[2]};

// What is named on the node, if not the whole of it.
void read_part(Fields& in, Target& target) {
  std::vector<std::string> named;
  for (const char* part : kParts) {
    if (!in.may_value(part)) continue;
    named.emplace_back(part);
    std::string name;
    in.need(part, name);
    if (named.back() == "link") {
      target.link = name;
    } else if (!name.empty()) {
      target.selector = part;
      target.selected = name;
      if (const std::string why = why_no_selection(part, name); !why.empty()) in.problem(part, why);
    }
  }
  if (named.size() > 1) in.problem("", cat("names ", join(named, " and "), ": expected one"));
}

// Whether any key selects something; tells when none does.
bool selects(const Fields& in) {
  if (in.has("service") || in.has("node")) return true;
  return std::any_of(std::begin(kParts), std::end(kParts),
                     [&](const char* part) { return in.has(part); });
}

}  // namespace

std::string why_no_selection(std::string_view selector, const std::string& selected) {
  constexpr std::string_view kCgroupFolder = "/sys/fs/cgroup";
  if (selector == "process" && selected.find('/') != std::string::npos && selected[0] != '/') {
    return cat("`", selected, "` is neither a name nor an absolute path");
  }
  if (selector != "cgroup") return {};
  if (selected.starts_with(kCgroupFolder)) {
    return cat("`", selected,
               "`: write it as /proc/PID/cgroup has it, such as `/system.slice/nginx.service`");
  }
  if (selected.size() > 1 && selected.front() == '/' && selected.back() != '/') return {};
  return cat("`", selected, "` is not a control group such as `/system.slice/nginx.service`");
}

std::string Target::key() const {
  if (is_processes()) return selector;
  return is_link() ? "link" : is_node() ? "node" : "service";
}

std::string Target::text() const {
  if (is_link()) return cat(node, "/", link);
  if (is_processes()) return cat(selector, " ", selected, " on ", node);
  if (is_node()) return cat("node ", node);
  if (services.size() == 1) return services.front();
  return cat("any of ", join(services, ", "));
}

Target read_target(const nlohmann::json& json, const std::string& path, Problems& problems) {
  Target target;
  Fields in(json, path, problems);
  if (json.is_object() && !selects(in)) {
    in.problem("",
               cat("selects nothing: expected {service}, {node} or {node, ",
                   join(std::vector<std::string>(std::begin(kParts), std::end(kParts)), "|"), "}"));
  } else if (in.has("service")) {
    read_services(in, target);
    std::vector<std::string> others;
    for (const char* key : {"node", kParts[0], kParts[1], kParts[2], kParts[3]}) {
      if (in.may_value(key)) others.emplace_back(key);
    }
    if (!others.empty()) {
      in.problem("", cat("names a service and a ", others.front(), ": expected one of them"));
    }
  } else if (json.is_object()) {
    in.need("node", target.node);
    read_part(in, target);
  }
  (void)in.may_value("service");
  in.done();
  return target;
}

nlohmann::json to_json(const Target& target) {
  if (target.is_link()) return {{"node", target.node}, {"link", target.link}};
  if (target.is_processes()) return {{"node", target.node}, {target.selector, target.selected}};
  if (target.is_node()) return {{"node", target.node}};
  if (target.services.size() == 1) return {{"service", target.services.front()}};
  return {{"service", {{"any_of", target.services}}}};
}

}  // namespace panshi
