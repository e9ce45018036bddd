// SPDX-License-Identifier: Apache-2.0
#include "controller/runbooks/steps.h"

#include "controller/world/faults.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;

Owner owner_of(const RunFacts& run) { return {run.drill, run.incident, run.id, ""}; }

Effect effect_of(const Context& context, const Step& step) {
  StepOrder order = step.action->order(context.catalog.inventory);
  Effect effect;
  effect.timeout = step.timeout;
  if (order.to == StepOrder::To::kNotifier) {
    effect.kind = EffectKind::kNotify;
    effect.body = std::move(order.params);
    return effect;
  }
  effect.kind = EffectKind::kAct;
  effect.node = std::move(order.node);
  effect.body = {{"kind", std::move(order.kind)},
                 {"params", std::move(order.params)},
                 {"timeout_ms", step.timeout / 1ms}};
  return effect;
}

bool acts(const Step& step) { return step.action->waits_for() == nullptr; }

void begin(Context& context, const RunFacts& run, const Step& step) {
  const Owner owner = owner_of(run);
  nlohmann::json data = {{"run", run.id},
                         {"step", run.step},
                         {"name", step.name},
                         {"kind", step.kind->name},
                         {"does", step.action->text()},
                         {"attempt", run.attempt + 1}};
  if (acts(step)) data["effect"] = context.next_effect();
  context.memory.waits[run.id].reset();
  context.emit("step.started", std::move(data), owner);
  if (acts(step)) context.intend(effect_of(context, step), owner);
}

void end(Context& context, const RunFacts& run, const Step& step, const Outcome& outcome) {
  const bool repeatable =
      outcome.word == "failed" || (outcome.word == "unknown" && step.idempotent);
  std::string next = step.on_failure == "continue" ? "next" : "stop";
  if (outcome.word == "ok") next = "next";
  if (outcome.word != "ok" && repeatable && run.attempt <= step.retries) next = "retry";
  context.emit_at(outcome.at, "step.done",
                  {{"run", run.id},
                   {"step", run.step},
                   {"name", step.name},
                   {"kind", step.kind->name},
                   {"outcome", outcome.word},
                   {"next", next},
                   {"attempt", run.attempt},
                   {"duration_us", (outcome.at - run.step_at).count()},
                   {"detail", outcome.detail}},
                  owner_of(run));
}

// The outcome of the running step, once there is one.
std::optional<Outcome> judge(Context& context, const RunFacts& run, const Step& step) {
  if (acts(step)) {
    if (run.effect_outcome.empty()) return std::nullopt;
    return Outcome{run.effect_outcome, run.effect_detail, run.effect_at};
  }
  const Comparison& condition = *step.action->waits_for();
  Hold& hold = context.memory.waits[run.id];
  const Observation seen = hold.update(context.memory.samples, condition, context.now);
  if (seen.truth == Truth::kTrue) {
    return Outcome{"ok", cat(condition.text(), ", seen ", seen.value), context.now};
  }
  const WallTime deadline = run.step_at + step.timeout;
  if (context.now >= deadline) {
    const std::string last = seen.truth == Truth::kNoData ? "no data" : cat("seen ", seen.value);
    return Outcome{
        "failed",
        cat("not within ", duration_text(step.timeout), ": ", condition.text(), ", ", last),
        context.now};
  }
  if (hold.due()) context.wake_at(*hold.due());
  context.wake_at(deadline);
  return std::nullopt;
}

void finish(Context& context, const RunFacts& run) {
  std::string outcome = "ok";
  if (run.step_unknown) outcome = "unknown";
  if (run.step_failed) outcome = "failed";
  context.memory.waits.erase(run.id);
  context.emit("run.done",
               {{"run", run.id},
                {"runbook", run.runbook},
                {"outcome", outcome},
                {"why", join(run.notes, "; ")},
                {"duration_us", (context.now - run.started_at).count()}},
               owner_of(run));
}

void give_up(Context& context, const RunFacts& run, const std::string& why) {
  context.emit("run.done",
               {{"run", run.id}, {"runbook", run.runbook}, {"outcome", "unknown"}, {"why", why}},
               owner_of(run));
}

}  // namespace

void advance_run(Context& context, const std::string& id) {
  while (context.state.runs.at(id).active()) {
    const RunFacts run = context.state.runs.at(id);
    const auto runbook = context.catalog.runbooks.find(run.runbook);
    if (runbook == context.catalog.runbooks.end()) {
      return give_up(context, run, cat("runbook `", run.runbook, "` is no longer in the catalog"));
    }
    const auto& steps = runbook->second.steps;
    if (run.stopping || run.step >= steps.size()) return finish(context, run);
    const Step& step = steps[run.step];
    if (!run.step_running) {
      if (run.step_at > context.now) return context.wake_at(run.step_at);
      begin(context, run, step);
      if (acts(step)) return;
      continue;
    }
    const auto outcome = judge(context, run, step);
    if (!outcome) return;
    end(context, run, step, *outcome);
  }
}

void rehearse(Context& context, const Runbook& runbook, const std::string& id) {
  for (const Step& step : runbook.steps) {
    const RunFacts run = context.state.runs.at(id);
    context.emit("step.started",
                 {{"run", id},
                  {"step", run.step},
                  {"name", step.name},
                  {"kind", step.kind->name},
                  {"attempt", 1}},
                 owner_of(run));
    end(context, context.state.runs.at(id), step,
        {"ok", cat("would ", step.action->text()), context.now});
  }
  finish(context, context.state.runs.at(id));
}

}  // namespace panshi::controller
