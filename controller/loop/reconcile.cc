// SPDX-License-Identifier: Apache-2.0
// An agent's full status against our books: what became of intents without an outcome, which faults
// are really in force, which are leftovers.
#include "controller/loop/facts.h"
#include "controller/loop/outcomes.h"
#include "controller/world/faults.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

using ById = std::map<std::string, nlohmann::json>;

ById by_id(const nlohmann::json& status, const char* key) {
  ById objects;
  const auto list = status.find(key);
  if (list == status.end() || !list->is_array()) return objects;
  for (const auto& object : *list) {
    if (object.is_object() && object.contains("id") && object["id"].is_string()) {
      objects[object["id"].get<std::string>()] = object;
    }
  }
  return objects;
}

std::string word(const ById& objects, const std::string& id, const char* key) {
  const auto found = objects.find(id);
  return found == objects.end() ? std::string() : found->second.value(key, std::string());
}

// What the agent holds of a fault, as one of its events would say it.
void learn_from_status(Context& context, const std::string& node, const nlohmann::json& fault) {
  const std::string id = fault["id"].get<std::string>();
  const std::string state = fault.value("state", std::string());
  nlohmann::json data = {{"fault", id},
                         {"kind", fault.value("kind", std::string())},
                         {"target", fault.value("target", nlohmann::json::object())}};
  if (state == "live") learn_fault(context, node, "fault.live", context.now, data);
  if (state == "reverted") data["reason"] = fault.value("reason", std::string("seen in status"));
  if (state == "reverted") learn_fault(context, node, "fault.reverted", context.now, data);
  if (state == "failed") data["error"] = fault.value("error", std::string());
  if (state == "failed") learn_fault(context, node, "fault.failed", context.now, data);
}

// The outcome of an effect, or empty when the status does not tell. What an earlier run of the
// controller intended and the agent has never seen was never carried out: that run is gone.
Outcome outcome_in(const PendingEffect& effect, const ById& faults, std::int64_t epoch) {
  const std::string state = word(faults, effect.subject, "state");
  const bool of_earlier_run = effect.epoch < epoch;
  const Outcome never{"failed", "the agent never got it", {}};
  if (effect.kind == "inject") {
    if (state == "live" || state == "reverted") return {"ok", "seen in the agent's status", {}};
    if (state == "failed") return {"failed", word(faults, effect.subject, "error"), {}};
    return of_earlier_run ? never : Outcome{};
  }
  if (effect.kind == "revert") {
    if (state == "reverted" || state == "failed") return {"ok", "seen in the agent's status", {}};
    return of_earlier_run ? (state == "live" ? Outcome{"failed", "still live", {}} : never)
                          : Outcome{};
  }
  if (effect.kind == "revert_all" && of_earlier_run) {
    for (const auto& [id, fault] : faults) {
      if (fault.value("state", "") == "live") return {"failed", cat("fault ", id, " is live"), {}};
    }
    return {"ok", "no fault is live", {}};
  }
  return {};
}

void reconcile_effects(Context& context, const std::string& node, const ById& faults,
                       const ById& actions) {
  std::vector<PendingEffect> pending;
  for (const auto& [id, effect] : context.state.effects) {
    if (effect.node == node) pending.push_back(effect);
  }
  for (const PendingEffect& effect : pending) {
    if (effect.kind == "act") {
      const auto action = actions.find(effect.subject);
      if (action != actions.end()) {
        settle_action(context, effect.id, action->second, context.now);
      } else if (effect.epoch < context.state.epoch) {
        settle_effect(context, effect.id, {"failed", "the agent never got it", context.now});
      }
      continue;
    }
    Outcome outcome = outcome_in(effect, faults, context.state.epoch);
    outcome.at = context.now;
    if (!outcome.word.empty()) settle_effect(context, effect.id, outcome);
  }
}

// Faults that we hold for live and the agent does not know are over: it lost its state directory,
// or dropped them as too old.
void end_forgotten(Context& context, const std::string& node, const ById& faults) {
  std::vector<std::string> gone;
  for (const auto& [id, fault] : context.state.faults) {
    const bool pending = fault.state == FaultState::kIntended;
    if (fault.node == node && !fault.ended() && !pending && !faults.contains(id))
      gone.push_back(id);
  }
  for (const std::string& id : gone) {
    learn_fault(context, node, "fault.reverted", context.now,
                {{"fault", id}, {"reason", "its agent does not know it"}});
  }
}

}  // namespace

void on_agent_state(Context& context, const AgentState& input) {
  if (!context.catalog.inventory.nodes.contains(input.node) || !input.status.is_object()) return;
  context.memory.contacted.insert(input.node);
  const std::string start_id = input.status.value("start_id", std::string());
  const auto known = context.state.agents.find(input.node);
  const bool news = known == context.state.agents.end() || !known->second.up ||
                    known->second.start_id != start_id;
  if (news) context.emit("agent.up", {{"start_id", start_id}}, {"", "", "", input.node});
  context.memory.services[input.node] = input.status.value("services", nlohmann::json::array());

  const ById faults = by_id(input.status, "faults");
  for (const auto& [id, fault] : faults) learn_from_status(context, input.node, fault);
  reconcile_effects(context, input.node, faults, by_id(input.status, "actions"));
  end_forgotten(context, input.node, faults);
}

}  // namespace panshi::controller
