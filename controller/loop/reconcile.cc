// SPDX-License-Identifier: Apache-2.0
// An agent's full status against our books: what became of intents without an outcome, which faults
// are really in force, which are leftovers.
#include <algorithm>
#include <set>

#include "controller/events/event_data.h"
#include "controller/loop/facts.h"
#include "controller/loop/outcomes.h"
#include "controller/loop/ownership.h"
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
  return found == objects.end() ? std::string() : text_of(found->second, key);
}

// The outcome of an effect, or empty when the status does not tell. What an earlier run of the
// controller intended and the agent has never seen was never carried out: that run is gone.
Outcome outcome_in(const PendingEffect& effect, const ById& faults, std::int64_t epoch) {
  const std::string state = word(faults, effect.subject, "state");
  const bool of_earlier_run = effect.epoch < epoch;
  const Outcome never{"failed", "the agent never got it", {}};
  // It may still be refused: its event, the answer or the next status will tell.
  if (state == "applying") return {};
  if (effect.kind == EffectKind::kInject) {
    if (state == "live" || state == "reverted") return {"ok", "seen in the agent's status", {}};
    if (state == "failed") return {"failed", word(faults, effect.subject, "error"), {}};
    return of_earlier_run ? never : Outcome{};
  }
  if (effect.kind == EffectKind::kRevert) {
    if (state == "reverted" || state == "failed") return {"ok", "seen in the agent's status", {}};
    return of_earlier_run ? (state == "live" ? Outcome{"failed", "still live", {}} : never)
                          : Outcome{};
  }
  if (effect.kind == EffectKind::kClear && of_earlier_run) return never;
  if (effect.kind == EffectKind::kRevertAll && of_earlier_run) {
    for (const auto& [id, fault] : faults) {
      if (text_of(fault, "state") == "live") return {"failed", cat("fault ", id, " is live"), {}};
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
    if (effect.kind == EffectKind::kAct) {
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

bool is_being_ordered(const State& state, const std::string& fault) {
  return std::any_of(state.effects.begin(), state.effects.end(), [&](const auto& entry) {
    return entry.second.kind == EffectKind::kInject && entry.second.subject == fault;
  });
}

// Faults that we do not hold for over and of which the agent knows nothing. A status from before
// the order came says nothing of it, nor does one while the order is on its way (also again, to an
// agent that was started anew); if it is lost meanwhile, its revert will find that out.
void note_unknown(Context& context, const std::string& node, const ById& faults, WallTime at) {
  std::vector<std::string> unknown;
  for (const auto& [id, fault] : context.state.faults) {
    if (fault.node != node || fault.ended() || faults.contains(id)) continue;
    const bool later = fault.live_at.value_or(fault.intended_at) > at;
    if (!later && !is_being_ordered(context.state, id)) unknown.push_back(id);
  }
  for (const std::string& id : unknown) learn_unknown(context, node, id, context.now);
}

// The agent says how long each service has been in its state; people are shown since when.
nlohmann::json services_of(const nlohmann::json& status, WallTime now) {
  nlohmann::json services = status.value("services", nlohmann::json::array());
  for (auto& service : services) {
    if (!service.is_object()) continue;
    if (const auto age = length_of(service, "age_us", limits::kServiceAgeMax)) {
      service["since_us"] = to_us(now - *age);
    }
    service.erase("age_us");
  }
  return services;
}

std::optional<std::set<std::string>> names_in(const nlohmann::json& status, const char* key) {
  const auto list = status.find(key);
  if (list == status.end() || !list->is_array()) return std::nullopt;
  std::set<std::string> names;
  for (const auto& one : *list) names.insert(text_of(one, "name"));
  return names;
}

std::vector<std::string> missing_in(const std::optional<std::set<std::string>>& has,
                                    const std::vector<std::string>& wanted) {
  std::vector<std::string> missing;
  for (const std::string& name : wanted) {
    if (has && !has->contains(name)) missing.push_back(name);
  }
  return missing;
}

// What our inventory gives to a node and its agent does not have: nothing can be seen or done
// there, and an incident that waits for it never closes.
void compare_inventory(Context& context, const std::string& node, const AgentParts& has) {
  const InventoryNode& ours = context.catalog.inventory.nodes.at(node);
  std::vector<std::string> links;
  for (const auto& [name, upstreams] : ours.links) links.push_back(name);
  const auto no_services = missing_in(has.services, ours.services);
  const auto no_links = missing_in(has.links, links);
  nlohmann::json lacks = {{"services", no_services}, {"links", no_links}};
  const bool none = no_services.empty() && no_links.empty();
  nlohmann::json& known = context.memory.lacks[node];
  if (known == lacks || (known.is_null() && none)) return;
  known = lacks;
  std::vector<std::string> words;
  if (!no_services.empty()) words.push_back("services " + join(no_services, ", "));
  if (!no_links.empty()) words.push_back("links " + join(no_links, ", "));
  lacks["text"] = none ? "it has all that the inventory gives it"
                       : cat("the inventory gives it ", join(words, " and "),
                             ", which it does not have: correct its node in the controller's "
                             "configuration, or the agent's own");
  context.emit("agent.lacks", std::move(lacks), {"", "", "", node});
}

}  // namespace

void on_agent_state(Context& context, const AgentState& input) {
  if (!context.catalog.inventory.nodes.contains(input.node) || !input.status.is_object()) return;
  context.memory.contacted.insert(input.node);
  context.memory.trouble.erase(input.node);
  const std::string start_id = text_of(input.status, "start_id");
  const auto known = context.state.agents.find(input.node);
  const bool news = known == context.state.agents.end() || !known->second.up ||
                    known->second.start_id != start_id;
  if (news) context.emit("agent.up", {{"start_id", start_id}}, {"", "", "", input.node});
  context.memory.services[input.node] = services_of(input.status, context.now);
  AgentParts& parts = context.memory.parts[input.node];
  parts = {names_in(input.status, "services"), names_in(input.status, "links"),
           offer_in(input.status)};
  compare_inventory(context, input.node, parts);
  settle_offer(context, input.node, parts.offer);

  const ById faults = by_id(input.status, "faults");
  const WallTime at = std::min(input.at.value_or(context.now), context.now);
  for (const auto& [id, fault] : faults) {
    const nlohmann::json about = {{"fault", id}, {"target", value_of(fault, "target")}};
    if (context.memory.authority.owns_event(context.state, input.node, "fault.live", about)) {
      learn_answer(context, input.node, fault, at, "seen in status");
    } else {
      overstep(context, input.node, cat("fault ", id));
    }
  }
  reconcile_effects(context, input.node, faults, by_id(input.status, "actions"));
  note_unknown(context, input.node, faults, at);
}

void compare_inventories(Context& context) {
  for (const auto& [node, parts] : context.memory.parts) {
    if (context.catalog.inventory.nodes.contains(node)) compare_inventory(context, node, parts);
  }
}

}  // namespace panshi::controller
