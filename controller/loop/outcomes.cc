// SPDX-License-Identifier: Apache-2.0
#include "controller/loop/outcomes.h"

#include "controller/events/event_data.h"
#include "controller/loop/audit_outcome.h"
#include "controller/loop/facts.h"
#include "controller/world/faults.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

void state_audit(Context& context, const PendingEffect& effect, const nlohmann::json& action,
                 WallTime at) {
  const auto drill = context.state.drills.find(effect.drill);
  const bool is_audit =
      drill != context.state.drills.end() && drill->second.audit_effect == effect.id;
  if (!is_audit) return;
  const AuditOutcome audit = read_audit(action);
  context.emit_at(at, "audit.done", {{"verdict", audit.verdict}, {"audit", audit.audit}},
                  {effect.drill, "", "", effect.node});
}

// The fault of an inject or a revert, as the agent has it now.
void learn_one(Context& context, const PendingEffect& effect, const EffectDone& input) {
  nlohmann::json fault = input.result.is_object() ? input.result : nlohmann::json::object();
  fault["id"] = effect.subject;
  for (const char* key : {"kind", "target"}) {
    if (!fault.contains(key)) fault[key] = effect.body.value(key, nlohmann::json());
  }
  if (!fault.contains("state"))
    fault["state"] = effect.kind == EffectKind::kInject ? "live" : "reverted";
  learn_answer(context, effect.node, fault, input.at, "asked");
}

void learn_cleared(Context& context, const PendingEffect& effect, const EffectDone& input) {
  learn_fault(context, effect.node, "fault.reverted", input.at,
              {{"fault", effect.subject},
               {"reason", "cleared without its undo record"},
               {"cleared", value_of(input.result, "cleared")}});
}

void learn_reverted_all(Context& context, const PendingEffect& effect, const EffectDone& input) {
  if (!input.result.is_object()) return;
  for (const auto& fault : input.result.value("faults", nlohmann::json::array())) {
    learn_answer(context, effect.node, fault, input.at, "revert_all");
  }
  const auto reverted = input.result.find("reverted");
  if (reverted == input.result.end() || !reverted->is_array()) return;
  for (const auto& id : *reverted) {
    learn_fault(context, effect.node, "fault.reverted", input.at,
                {{"fault", id}, {"reason", "revert_all"}});
  }
}

// An answer that says yes while the fault's state says no is a no.
Outcome outcome_of(const PendingEffect& effect, const EffectDone& input) {
  Outcome outcome{input.outcome, input.detail, input.at, input.not_now};
  if (outcome.word != "ok") return outcome;
  const std::string state = text_of(input.result, "state");
  const bool not_applied = effect.kind == EffectKind::kInject && state == "failed";
  const bool still_live = effect.kind == EffectKind::kRevert && state == "live";
  if (!not_applied && !still_live) return outcome;
  outcome.word = "failed";
  outcome.detail = text_of(input.result, "error");
  if (still_live) outcome.detail = cat("still live: ", outcome.detail);
  return outcome;
}

void tell_consequences(Context& context, const PendingEffect& effect, const EffectDone& input) {
  if (effect.kind == EffectKind::kInject || effect.kind == EffectKind::kRevert)
    return learn_one(context, effect, input);
  if (effect.kind == EffectKind::kClear) return learn_cleared(context, effect, input);
  if (effect.kind == EffectKind::kRevertAll) return learn_reverted_all(context, effect, input);
  const Owner owner{effect.drill, effect.incident, effect.run, ""};
  if (effect.kind == EffectKind::kNotify)
    context.emit_at(input.at, "notify.sent", effect.body, owner);
  if (effect.kind == EffectKind::kReport) {
    context.emit_at(input.at, "report.written",
                    input.result.is_object() ? input.result : nlohmann::json::object(), owner);
  }
}

}  // namespace

namespace {

// "ended with code 127; it wrote: repair.sh: line 3: redis-cli: not found": who reads it has no
// shell on the node.
std::string why_failed(const nlohmann::json& action) {
  constexpr std::size_t kLines = 5;
  const std::string error = text_of(action, "error");
  std::vector<std::string> lines = split(said(value_of(action, "result")), '\n');
  std::erase(lines, "");
  if (lines.size() > kLines) lines.erase(lines.begin(), lines.end() - kLines);
  return lines.empty() ? error : cat(error, "; it wrote: ", join(lines, " / "));
}

}  // namespace

void settle_action(Context& context, const std::string& id, const nlohmann::json& action,
                   WallTime at) {
  const auto found = context.state.effects.find(id);
  const std::string state = text_of(action, "state");
  if (found == context.state.effects.end() || (state != "ok" && state != "failed")) return;
  const PendingEffect effect = found->second;
  settle_effect(context, id, {state, state == "ok" ? "" : why_failed(action), at});
  state_audit(context, effect, action, at);
}

void on_effect_done(Context& context, const EffectDone& input) {
  const auto found = context.state.effects.find(input.effect);
  if (found == context.state.effects.end()) return;  // said before, or given up
  const PendingEffect effect = found->second;
  EffectDone answer = input;
  answer.at = std::min(input.at, context.now);
  // A program that ends with an error may have told why.
  if (effect.kind == EffectKind::kAct &&
      (answer.outcome == "ok" || !text_of(answer.result, "state").empty())) {
    return settle_action(context, effect.id, answer.result, answer.at);
  }
  Outcome outcome = outcome_of(effect, answer);
  // In force for a while although the order failed: its agent died over it, and reverted it.
  const bool was_over =
      effect.kind == EffectKind::kInject && text_of(answer.result, "state") == "reverted";
  const auto fault = context.state.faults.find(effect.subject);
  const bool is_lost = effect.kind == EffectKind::kRevert &&
                       flag_of(answer.result, "known") == false &&
                       fault != context.state.faults.end() && fault->second.live_at;
  if (is_lost) outcome = {"failed", "the agent does not know it", answer.at};
  if (was_over || is_lost) learn_one(context, effect, answer);
  settle_effect(context, effect.id, outcome);
  if (outcome.word == "ok") tell_consequences(context, effect, answer);
}

}  // namespace panshi::controller
