// SPDX-License-Identifier: Apache-2.0
// Authority: an agent's word counts for what is its own. A node that was taken over can lie about
// itself, and about nothing else. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <unordered_map>

#include "controller/world/state.h"
#include "core/model/inventory.h"

namespace panshi::controller {

// Who has what by the inventory, looked up for every sample and event.
class Authority {
 public:
  explicit Authority(const Inventory& inventory);

  enum class Whose { kOwn, kAnothers, kNobodys };

  // A signal is named after a service or a probe ("orders.up"), or as its probe says. That of a
  // service is of the node that has it; any other of the nodes for which the inventory has it among
  // their `signals`; one of which it says nothing, of who took it first (State::signals).
  Whose whose_signal(const State& state, const std::string& node, const std::string& signal) const;
  // An event names a service, a link, a probe, an action or a fault: that must be the node's own.
  // An action is of the node that it was asked of; a name that nobody here knows is the node's, and
  // so is a fault whose target is.
  bool owns_event(const State& state, const std::string& node, const std::string& kind,
                  const nlohmann::json& data) const;

 private:
  using Owners = std::unordered_map<std::string, std::set<std::string>>;  // name -> nodes
  static bool owns(const Owners& owners, const std::string& node, const std::string& name);
  bool owns_target(const std::string& node, const nlohmann::json& target) const;

  std::set<std::string> nodes_;
  Owners services_;
  Owners signals_;
  Owners links_;
};

}  // namespace panshi::controller
