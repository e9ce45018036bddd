// SPDX-License-Identifier: Apache-2.0
#include "core/model/fault_kinds.h"

#include <array>

namespace panshi {
namespace {

constexpr std::array<FaultKindName, 6> kKinds = {{{"db.disconnect", false},
                                                  {"link.delay", true},
                                                  {"link.down", true},
                                                  {"link.reset", true},
                                                  {"process.kill", false},
                                                  {"process.pause", false}}};

}  // namespace

std::span<const FaultKindName> fault_kind_names() { return kKinds; }

std::vector<std::string> fault_kind_list() {
  std::vector<std::string> names;
  for (const FaultKindName& kind : kKinds) names.emplace_back(kind.name);
  return names;
}

}  // namespace panshi
