// SPDX-License-Identifier: Apache-2.0
#include "controller/world/faults.h"

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
  effect.kind = "inject";
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
  effect.kind = "revert";
  effect.node = fault.node;
  effect.subject = fault.id;
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
  context.emit_at(outcome.at, "effect.done",
                  {{"effect", effect},
                   {"outcome", outcome.word},
                   {"detail", outcome.detail},
                   {"duration_us", (outcome.at - pending.at).count()}},
                  {pending.drill, pending.incident, pending.run, pending.node});
}

void learn_fault(Context& context, const std::string& node, const std::string& kind, WallTime at,
                 const nlohmann::json& data) {
  const auto id = data.find("fault");
  if (id == data.end() || !id->is_string()) return;
  const auto known = context.state.faults.find(id->get<std::string>());
  const bool is_known = known != context.state.faults.end();
  if (kind == "fault.live") {
    const bool already = is_known && known->second.state == FaultState::kLive;
    const bool older = is_known && known->second.ended_at && at <= *known->second.ended_at;
    if (already || older) return;
  } else if (!is_known || known->second.ended()) {
    return;
  }
  const std::string drill = is_known ? known->second.drill : std::string();
  nlohmann::json told = data;
  if (!is_known) told["leftover"] = true;
  context.emit_at(at, kind, std::move(told), {drill, "", "", node});
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

}  // namespace panshi::controller
