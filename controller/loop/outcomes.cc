// SPDX-License-Identifier: Apache-2.0
#include "controller/loop/outcomes.h"

#include "controller/loop/facts.h"
#include "controller/world/faults.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

std::string text_of(const nlohmann::json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Null unless the action printed JSON.
nlohmann::json output_of(const nlohmann::json& action) {
  static const nlohmann::json::json_pointer kOutput("/result/output_json");
  return action.is_object() && action.contains(kOutput) ? action.at(kOutput) : nlohmann::json();
}

void state_audit(Context& context, const PendingEffect& effect, const nlohmann::json& action,
                 WallTime at) {
  const auto drill = context.state.drills.find(effect.drill);
  const bool is_audit =
      drill != context.state.drills.end() && drill->second.audit_effect == effect.id;
  if (!is_audit) return;
  const nlohmann::json audit = output_of(action);
  std::string verdict = text_of(audit, "verdict");
  if (verdict != "valid" && verdict != "invalid") verdict = "unknown";
  context.emit_at(at, "audit.done", {{"verdict", verdict}, {"audit", audit}},
                  {effect.drill, "", "", effect.node});
}

void learn_injected(Context& context, const PendingEffect& effect, const EffectDone& input) {
  nlohmann::json data = {{"fault", effect.subject},
                         {"kind", text_of(effect.body, "kind")},
                         {"target", effect.body.value("target", nlohmann::json::object())}};
  if (input.result.is_object() && input.result.contains("measured")) {
    data["measured"] = input.result["measured"];
  }
  const bool reverted = text_of(input.result, "state") == "reverted";
  if (reverted) data["reason"] = "asked";
  learn_fault(context, effect.node, reverted ? "fault.reverted" : "fault.live", input.at, data);
}

void learn_reverted_all(Context& context, const PendingEffect& effect, const EffectDone& input) {
  if (!input.result.is_object()) return;
  const auto reverted = input.result.find("reverted");
  if (reverted == input.result.end() || !reverted->is_array()) return;
  for (const auto& id : *reverted) {
    learn_fault(context, effect.node, "fault.reverted", input.at,
                {{"fault", id}, {"reason", "revert_all"}});
  }
}

// An answer that says yes while the fault's state says no is a no.
Outcome outcome_of(const PendingEffect& effect, const EffectDone& input) {
  Outcome outcome{input.outcome, input.detail, input.at};
  if (outcome.word != "ok") return outcome;
  const std::string state = text_of(input.result, "state");
  const bool not_applied = effect.kind == "inject" && state == "failed";
  const bool still_live = effect.kind == "revert" && state == "live";
  if (!not_applied && !still_live) return outcome;
  outcome.word = "failed";
  outcome.detail = text_of(input.result, "error");
  if (still_live) outcome.detail = cat("still live: ", outcome.detail);
  return outcome;
}

void tell_consequences(Context& context, const PendingEffect& effect, const EffectDone& input) {
  if (effect.kind == "inject") return learn_injected(context, effect, input);
  if (effect.kind == "revert_all") return learn_reverted_all(context, effect, input);
  if (effect.kind == "revert") {
    return learn_fault(context, effect.node, "fault.reverted", input.at,
                       {{"fault", effect.subject}, {"reason", "asked"}});
  }
  const Owner owner{effect.drill, effect.incident, effect.run, ""};
  if (effect.kind == "notify") context.emit_at(input.at, "notify.sent", effect.body, owner);
  if (effect.kind == "report") {
    context.emit_at(input.at, "report.written",
                    input.result.is_object() ? input.result : nlohmann::json::object(), owner);
  }
}

}  // namespace

void settle_action(Context& context, const std::string& id, const nlohmann::json& action,
                   WallTime at) {
  const auto found = context.state.effects.find(id);
  const std::string state = text_of(action, "state");
  if (found == context.state.effects.end() || (state != "ok" && state != "failed")) return;
  const PendingEffect effect = found->second;
  settle_effect(context, id, {state, text_of(action, "error"), at});
  state_audit(context, effect, action, at);
}

void on_effect_done(Context& context, const EffectDone& input) {
  const auto found = context.state.effects.find(input.effect);
  if (found == context.state.effects.end()) return;  // said before, or given up
  const PendingEffect effect = found->second;
  EffectDone answer = input;
  answer.at = std::min(input.at, context.now);
  // A program that ends with an error may have told why: the audit's "invalid" is such a one.
  if (effect.kind == "act" &&
      (answer.outcome == "ok" || !text_of(answer.result, "state").empty())) {
    return settle_action(context, effect.id, answer.result, answer.at);
  }
  const Outcome outcome = outcome_of(effect, answer);
  settle_effect(context, effect.id, outcome);
  if (outcome.word == "ok") tell_consequences(context, effect, answer);
}

}  // namespace panshi::controller
