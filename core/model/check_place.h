// SPDX-License-Identifier: Apache-2.0
// Where a document's names are being compared with what there is (check.h), and the comparisons
// that several kinds of document share. What is not known is not compared; an empty name was
// reported by its reader. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/text.h"
#include "core/json/problems.h"
#include "core/model/comparison.h"
#include "core/model/inventory.h"

namespace panshi {

struct Known;

struct Place {
  const Known& known;
  std::string path;
  Problems& problems;

  std::string at(std::string_view key) const { return cat(path, path.empty() ? "" : ".", key); }
  const Inventory* inventory() const;  // null: not known
};

// `known` may be null. `what`: "service", "link of app-1".
void check_name(const Place& place, std::string_view what, const std::string& name,
                const std::vector<std::string>* known, const std::string& path);
void check_service(const Place& place, const std::string& service, const std::string& path);
// At `node`. Null when it is not known; then it was reported.
const InventoryNode* check_node(const Place& place, const std::string& node);
// At `node` and `link`: the link's upstreams, null when they are not known.
const std::vector<std::string>* check_link(const Place& place, const std::string& node,
                                           const std::string& link);
void check_comparison(const Place& place, const Comparison& comparison);

}  // namespace panshi
