// SPDX-License-Identifier: Apache-2.0
// The kinds of fault a scenario may name, and what each breaks.
//
// The agents' own table says how; a test there keeps the two alike. Parameters are the agent's.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace panshi {

struct FaultKindName {
  std::string_view name;
  bool on_link = false;  // else on a service
};

std::span<const FaultKindName> fault_kind_names();
std::vector<std::string> fault_kind_list();

}  // namespace panshi
