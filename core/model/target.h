// SPDX-License-Identifier: Apache-2.0
// Target: what a fault breaks or a rule calls ill: a service, a link of a node, or a whole node.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/json/fields.h"

namespace panshi {

struct Target {
  std::vector<std::string> services;  // one; several when `any_of` lets the seed choose
  std::string node;                   // itself, or of the link
  std::string link;

  bool is_link() const { return !link.empty(); }
  bool is_node() const { return link.empty() && !node.empty(); }
  bool empty() const { return services.empty() && node.empty(); }
  // "cardkeys-primary", "app-1/database", "node app-1"; "any of a, b" before the draw.
  std::string text() const;
};

// {service: a} | {service: {any_of: [a, b]}} | {node: n, link: l} | {node: n}.
// An empty selector is a problem.
Target read_target(const nlohmann::json& json, const std::string& path, Problems& problems);
nlohmann::json to_json(const Target& target);

}  // namespace panshi
