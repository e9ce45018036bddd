// SPDX-License-Identifier: Apache-2.0
#include "controller/loop/reload.h"

#include "core/base/text.h"

namespace panshi::controller {

std::string why_not_reload(const State& state, const Catalog& before, const Catalog& after) {
  if (const DrillFacts* drill = state.active_drill()) {
    return cat("drill ", drill->id, " is under way");
  }
  const auto same = [&](const std::string& document) {
    const auto old_one = before.documents.find(document);
    const auto new_one = after.documents.find(document);
    return old_one != before.documents.end() && new_one != after.documents.end() &&
           old_one->second == new_one->second;
  };
  for (const auto& [id, run] : state.runs) {
    if (run.active() && !same("runbook " + run.runbook)) {
      return cat("run ", id, " of runbook ", run.runbook,
                 ", which is another one now, is under way");
    }
  }
  for (const auto& [id, fault] : state.faults) {
    const auto node = after.inventory.nodes.find(fault.node);
    const auto old_node = before.inventory.nodes.find(fault.node);
    // One that was taken out meanwhile and comes back is welcome.
    const bool stays =
        node != after.inventory.nodes.end() &&
        (old_node == before.inventory.nodes.end() || node->second.url == old_node->second.url);
    if (!fault.ended() && !fault.leftover && !stays) {
      return cat("fault ", id, " is in force on node ", fault.node,
                 ", which is gone or elsewhere now; if that host is gone for good: "
                 "`panshi fault close ",
                 id, " --reason TEXT`");
    }
  }
  return {};
}

}  // namespace panshi::controller
