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

// Asks the fault's agent to end it; safe to repeat. One that the agent does not know any more it
// clears the way that the kind has for that.
void revert(Context& context, const FaultFacts& fault);

// The node that carries a (single) target; empty when the inventory does not have it.
std::string node_of(const Inventory& inventory, const Target& target);

bool is_wanted(const State& state, const FaultFacts& fault, WallTime now);

// Gives the outcome of a pending effect; passes over one that is not pending.
struct Outcome {
  std::string word;  // ok | failed | unknown
  std::string detail;
  WallTime at;
  bool not_now = false;  // as EffectDone
};
void settle_effect(Context& context, const std::string& effect, const Outcome& outcome);

// State `live` or `reverted` or `failed` of a fault as its agent says, told once.
void learn_fault(Context& context, const std::string& node, const std::string& kind, WallTime at,
                 const nlohmann::json& data);

// The same of a `fault` object of the agent's API that it answered at `at`: with the times and the
// reason that it has of the fault, as if its events had come. One that was in force unseen is told
// as live first. `reason`: of an end for which the agent has none.
void learn_answer(Context& context, const std::string& node, const nlohmann::json& fault,
                  WallTime at, const std::string& reason);

// The agent does not know the fault: one that was in force is lost, any other one never was.
void learn_unknown(Context& context, const std::string& node, const std::string& id, WallTime at);

// Effects without an answer become unknown; faults that are not wanted are reverted.
void advance_effects(Context& context);
void advance_faults(Context& context);
// During a halt every agent is asked to revert all until it has said that it did.
void advance_halt(Context& context);

}  // namespace panshi::controller
