// SPDX-License-Identifier: Apache-2.0
// Faults and effects: asking agents to break and mend, and knowing what came of it.
//
// Promise: a fault that is no longer wanted (its time is over, its drill ended, a halt, nobody
// knows it) is reverted as soon as its agent can be reached, and its lease is not renewed
// meanwhile.
#pragma once

#include <string>
#include <vector>

#include "controller/world/context.h"

namespace panshi::controller {

struct FaultOrder {
  std::string id;
  std::string kind;
  Target target;  // a single one
  nlohmann::json params;
  Duration term{};
  std::string drill;
  std::string scenario_fault;
};

// REQUIRES: the target is in the inventory.
void inject(Context& context, const FaultOrder& order);

// The target as the agent's API has it.
nlohmann::json wire_target(const Target& target);

// Asks the fault's agent to end it; safe to repeat.
void revert(Context& context, const FaultFacts& fault);

// The node that carries a (single) target; empty when the inventory does not have it.
std::string node_of(const Inventory& inventory, const Target& target);

bool is_wanted(const State& state, const FaultFacts& fault, WallTime now);

// Gives the outcome of a pending effect; passes over one that is not pending.
struct Outcome {
  std::string word;  // ok | failed | unknown
  std::string detail;
  WallTime at;
};
void settle_effect(Context& context, const std::string& effect, const Outcome& outcome);

// State `live` or `reverted` or `failed` of a fault as its agent says, told once.
void learn_fault(Context& context, const std::string& node, const std::string& kind, WallTime at,
                 const nlohmann::json& data);

// Effects without an answer become unknown; faults that are not wanted are reverted.
void advance_effects(Context& context);
void advance_faults(Context& context);

}  // namespace panshi::controller
