// SPDX-License-Identifier: Apache-2.0
// Target: what a fault breaks or a rule calls ill: a service, a link of a node, processes that no
// agent supervises, or a whole node.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/json/fields.h"

namespace panshi {

struct Target {
  std::vector<std::string> services;  // one; several when `any_of` lets the seed choose
  std::string node;                   // itself, or of what else is named
  std::string link;
  std::string selector;  // of kProcessSelectors: how `selected` names processes of the node
  std::string selected;

  bool is_link() const { return !link.empty(); }
  bool is_processes() const { return !selector.empty(); }
  bool is_node() const { return !is_link() && !is_processes() && !node.empty(); }
  bool empty() const { return services.empty() && node.empty(); }
  // The key that names it on its node: "service", "link", "process", ... or "node".
  std::string key() const;
  // "cardkeys-primary", "app-1/database", "process nginx on app-1", "node app-1"; "any of a, b"
  // before the draw.
  std::string text() const;
};

// By the name (`comm`) or, with a slash, the path of the program; by control group with all below
// it, as /proc/PID/cgroup has it; by unit of systemd.
inline constexpr const char* kProcessSelectors[] = {"process", "cgroup", "unit"};
// Why that text cannot name processes so: `foo` is not a control group. "" when it can.
std::string why_no_selection(std::string_view selector, const std::string& selected);

// {service: a} | {service: {any_of: [a, b]}} | {node: n, link: l} | {node: n, process: p} |
// {node: n, cgroup: c} | {node: n, unit: u} | {node: n}.
// An empty selector is a problem.
Target read_target(const nlohmann::json& json, const std::string& path, Problems& problems);
nlohmann::json to_json(const Target& target);

}  // namespace panshi
