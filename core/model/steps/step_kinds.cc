// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "core/model/steps/step_kind.h"

namespace panshi {

// Each in the file of its kind. A new kind is that file, a line here, and its name below.
StepKind mark_step();
StepKind notify_step();
StepKind reroute_step();
StepKind restart_step();
StepKind script_step();
StepKind wait_for_step();

std::span<const StepKind> step_kinds() {
  static const std::array kKinds = {restart_step(), reroute_step(),  mark_step(),
                                    script_step(),  wait_for_step(), notify_step()};
  return kKinds;
}

const StepKind* find_step_kind(std::string_view name) {
  const auto kinds = step_kinds();
  const auto found = std::find_if(kinds.begin(), kinds.end(),
                                  [&](const StepKind& kind) { return kind.name == name; });
  return found == kinds.end() ? nullptr : &*found;
}

}  // namespace panshi
