// SPDX-License-Identifier: Apache-2.0
#include "controller/world/faults.h"

#include "controller/events/event_data.h"
#include "controller/world/leftovers.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;

constexpr Duration kAnswerGrace = 1s;  // an answer may be on its way when the timeout strikes

}  // namespace

std::string node_of(const Inventory& inventory, const Target& target) {
  if (target.is_link()) {
    const auto node = inventory.nodes.find(target.node);
    const bool has = node != inventory.nodes.end() && node->second.links.contains(target.link);
    return has ? target.node : std::string();
  }
  if (target.is_node() || target.is_processes()) {
    return inventory.nodes.contains(target.node) ? target.node : std::string();
  }
  if (target.services.size() != 1) return {};
  return inventory.node_of_service(target.services.front()).value_or("");
}

nlohmann::json wire_target(const Target& target) {
  nlohmann::json wire = to_json(target);
  if (target.is_link() || target.is_processes()) wire.erase("node");  // the agent is the node
  return wire;
}

void inject(Context& context, const FaultOrder& order) {
  const Settings& settings = context.catalog.settings;
  Effect effect;
  effect.kind = EffectKind::kInject;
  effect.node = node_of(context.catalog.inventory, order.target);
  CHECK_BUG(!effect.node.empty());
  effect.subject = order.id;
  effect.body = {{"kind", order.kind},
                 {"target", wire_target(order.target)},
                 {"params", order.params},
                 {"lease_ms", settings.lease / 1ms},
                 {"drill", order.drill}};
  effect.timeout = settings.effect_timeout;
  context.intend(std::move(effect), {order.drill, "", "", ""},
                 {{"for_us", order.term.count()}, {"scenario_fault", order.scenario_fault}});
}

void revert(Context& context, const FaultFacts& fault) {
  Effect effect;
  effect.kind = fault.lost ? EffectKind::kClear : EffectKind::kRevert;
  effect.node = fault.node;
  effect.subject = fault.id;
  if (fault.lost) {
    effect.body = {{"kind", fault.kind}, {"target", fault.target}, {"params", fault.params}};
  }
  effect.timeout = context.catalog.settings.effect_timeout;
  context.intend(std::move(effect), {fault.drill, "", "", ""});
}

bool is_wanted(const State& state, const FaultFacts& fault, WallTime now) {
  if (state.halted || fault.ended() || fault.revert_asked || fault.state == FaultState::kUnknown) {
    return false;
  }
  if (fault.live_at && now >= *fault.live_at + fault.term) return false;
  if (fault.drill.empty()) return fault.term > 0us;
  const auto drill = state.drills.find(fault.drill);
  return drill != state.drills.end() && drill->second.phase == "inject" && !drill->second.aborting;
}

void settle_effect(Context& context, const std::string& effect, const Outcome& outcome) {
  const auto found = context.state.effects.find(effect);
  if (found == context.state.effects.end()) return;
  const PendingEffect pending = found->second;
  nlohmann::json data = {{"effect", effect},
                         {"outcome", outcome.word},
                         {"detail", outcome.detail},
                         {"duration_us", (outcome.at - pending.at).count()}};
  if (outcome.not_now) data["not_now"] = true;
  context.emit_at(outcome.at, "effect.done", std::move(data),
                  {pending.drill, pending.incident, pending.run, pending.node});
}

namespace {

// When the fault came into force, for an end of one of which nobody told us that it had.
std::optional<WallTime> unheard_live(const FaultFacts& known, WallTime ended_at,
                                     const nlohmann::json& data) {
  const auto lasted = length_of(data, "live_for_us");
  if (known.live_at || !lasted) return std::nullopt;
  return std::min(ended_at, std::max(ended_at - *lasted, known.intended_at));
}

}  // namespace

void learn_fault(Context& context, const std::string& node, const std::string& kind, WallTime at,
                 const nlohmann::json& data) {
  const auto id = data.find("fault");
  if (id == data.end() || !id->is_string()) return;
  const auto known = context.state.faults.find(id->get<std::string>());
  const bool is_known = known != context.state.faults.end();
  if (is_known && (known->second.node != node || known->second.closed_for_good)) return;
  if (kind == "fault.live") {
    const bool already = is_known && known->second.state == FaultState::kLive;
    const bool older = is_known && known->second.ended_at && at <= *known->second.ended_at;
    if (already || older) return;
    if (is_known && known->second.live_at && !known->second.ended()) {  // it was out of sight
      return context.emit("fault.seen", data, {known->second.drill, "", "", node});
    }
    const bool is_wild = !is_known || known->second.ended();
    if (is_wild && !take_leftover(context, node, id->get<std::string>())) return;
  } else if (!is_known || known->second.ended()) {
    return;
  } else if (kind == "fault.stuck" && known->second.stuck &&
             known->second.stuck_why == text_of(data, "error")) {
    return;
  }
  const std::string drill = is_known ? known->second.drill : std::string();
  nlohmann::json told = data;
  bound_lengths(told);
  for (const char* ours : {"leftover", "forced"}) told.erase(ours);  // not the agent's to say
  if (!is_known) told["leftover"] = true;
  if (is_known && kind == "fault.reverted") {
    if (const auto live = unheard_live(known->second, at, data)) {
      context.emit_at(*live, "fault.live", {{"fault", *id}}, {drill, "", "", node});
    }
  }
  context.emit_at(at, kind, std::move(told), {drill, "", "", node});
}

namespace {

// The agent's age of a moment of the fault, on our clock and never before we asked for the fault.
std::optional<WallTime> time_of(const nlohmann::json& fault, const char* key, WallTime at,
                                const FaultFacts* known) {
  const auto age = length_of(fault, key);
  if (!age) return std::nullopt;
  const WallTime time = at - *age;
  return known ? std::min(at, std::max(time, known->intended_at)) : std::min(at, time);
}

}  // namespace

void learn_answer(Context& context, const std::string& node, const nlohmann::json& fault,
                  WallTime at, const std::string& reason) {
  const std::string id = text_of(fault, "id");
  const std::string state = text_of(fault, "state");
  if (flag_of(fault, "known") == false) return learn_unknown(context, node, id, at);
  const auto found = context.state.faults.find(id);
  const FaultFacts* known = found == context.state.faults.end() ? nullptr : &found->second;
  nlohmann::json data = {{"fault", id}};
  for (const char* key : {"kind", "target", "measured"}) {  // what it does not know is null or ""
    const nlohmann::json& value = value_of(fault, key);
    if (!value.is_null() && value != "") data[key] = value;
  }
  const auto live_at = time_of(fault, "live_age_us", at, known);
  // With an error: it could not be applied and is not undone yet, so it may be in force.
  const std::string error = text_of(fault, "error");
  if (state == "live" && !error.empty()) data["error"] = error;
  if (state == "live") return learn_fault(context, node, "fault.live", live_at.value_or(at), data);
  const WallTime ended_at = time_of(fault, "ended_age_us", at, known).value_or(at);
  if (state == "failed") {
    data["error"] = error;
    return learn_fault(context, node, "fault.failed", ended_at, data);
  }
  if (state != "reverted") return;
  if (live_at) data["live_for_us"] = std::max(ended_at - *live_at, Duration(0)).count();
  const std::string own = text_of(fault, "reason");
  data["reason"] = own.empty() ? reason : own;
  learn_fault(context, node, "fault.reverted", ended_at, data);
}

void learn_unknown(Context& context, const std::string& node, const std::string& id, WallTime at) {
  const auto found = context.state.faults.find(id);
  if (found == context.state.faults.end() || found->second.ended() || found->second.lost) return;
  const FaultFacts& fault = found->second;
  if (fault.node != node) return;
  if (!fault.live_at) {
    return learn_fault(context, node, "fault.reverted", at,
                       {{"fault", id}, {"reason", "its agent never got it"}});
  }
  context.emit_at(at, "fault.lost",
                  {{"fault", id},
                   {"kind", fault.kind},
                   {"target", fault.target},
                   {"why", "its agent does not know it any more: its undo record is gone"}},
                  {fault.drill, "", "", node});
}

void advance_effects(Context& context) {
  std::vector<std::string> overdue;
  for (const auto& [id, effect] : context.state.effects) {
    const WallTime deadline = effect.at + effect.timeout + kAnswerGrace;
    if (deadline <= context.now) {
      overdue.push_back(id);
    } else {
      context.wake_at(deadline);
    }
  }
  for (const std::string& id : overdue) {
    settle_effect(context, id, {"unknown", "no answer within its time", context.now});
  }
}

void advance_faults(Context& context) {
  std::vector<FaultFacts> unwanted;
  for (const auto& [id, fault] : context.state.faults) {
    if (fault.ended()) continue;
    if (is_wanted(context.state, fault, context.now)) {
      if (fault.live_at) context.wake_at(*fault.live_at + fault.term);
      continue;
    }
    // A node that is not heard of reverts by lease; its AgentState will say so.
    if (fault.reverting || !context.state.agent_up(fault.node)) continue;
    if (context.now < fault.revert_again_at) {
      context.wake_at(fault.revert_again_at);
      continue;
    }
    unwanted.push_back(fault);
  }
  for (const FaultFacts& fault : unwanted) revert(context, fault);
}

void advance_halt(Context& context) {
  if (!context.state.halted) return;
  std::vector<std::string> due;
  for (const auto& [name, node] : context.catalog.inventory.nodes) {
    const HaltedNode& halted = context.state.halt_nodes[name];
    if (halted.confirmed || halted.asking) continue;
    if (context.now < halted.again_at) {
      context.wake_at(halted.again_at);
      continue;
    }
    due.push_back(name);
  }
  for (const std::string& name : due) {
    Effect effect;
    effect.kind = EffectKind::kRevertAll;
    effect.node = name;
    effect.body = {{"reason", context.state.halt_reason}};
    effect.timeout = context.catalog.settings.effect_timeout;
    context.intend(std::move(effect));
  }
}

}  // namespace panshi::controller
