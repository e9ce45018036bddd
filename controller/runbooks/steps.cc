// SPDX-License-Identifier: Apache-2.0
#include "controller/runbooks/steps.h"

#include "controller/world/faults.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;

Owner owner_of(const RunFacts& run) { return {run.drill, run.incident, run.id, ""}; }

// What a step asks of an agent; empty for wait_for and notify.
struct Request {
  std::string node;
  std::string kind;
  nlohmann::json params;
};

Request request_of(const Context& context, const Step& step) {
  const Inventory& inventory = context.catalog.inventory;
  if (step.kind == "restart") {
    return {inventory.node_of_service(step.service).value_or(""),
            "restart",
            {{"service", step.service}}};
  }
  if (step.kind == "mark") {
    return {inventory.node_of_service(step.service).value_or(""),
            "mark",
            {{"service", step.service}, {"as", step.as}}};
  }
  if (step.kind == "reroute") {
    return {step.node,
            "reroute",
            {{"link", step.link}, {"to", step.to}, {"established", step.established}}};
  }
  return {step.node, "script", {{"name", step.script}, {"env", step.env}}};
}

Effect effect_of(const Context& context, const Step& step) {
  Effect effect;
  effect.timeout = step.timeout;
  if (step.kind == "notify") {
    effect.kind = "notify";
    effect.body = {{"channel", step.channel}, {"message", step.message}, {"page", step.page}};
    return effect;
  }
  Request request = request_of(context, step);
  effect.kind = "act";
  effect.node = std::move(request.node);
  effect.body = {{"kind", std::move(request.kind)},
                 {"params", std::move(request.params)},
                 {"timeout_ms", step.timeout / 1ms}};
  return effect;
}

void begin(Context& context, const RunFacts& run, const Step& step) {
  const Owner owner = owner_of(run);
  const bool acts = step.kind != "wait_for";
  nlohmann::json data = {{"run", run.id},     {"step", run.step},    {"name", step.name},
                         {"kind", step.kind}, {"does", step.text()}, {"attempt", run.attempt + 1}};
  if (acts) data["effect"] = context.next_effect();
  context.memory.waits[run.id].reset();
  context.emit("step.started", std::move(data), owner);
  if (acts) context.intend(effect_of(context, step), owner);
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
                   {"kind", step.kind},
                   {"outcome", outcome.word},
                   {"next", next},
                   {"attempt", run.attempt},
                   {"duration_us", (outcome.at - run.step_at).count()},
                   {"detail", outcome.detail}},
                  owner_of(run));
}

// The outcome of the running step, once there is one.
std::optional<Outcome> judge(Context& context, const RunFacts& run, const Step& step) {
  if (step.kind != "wait_for") {
    if (run.effect_outcome.empty()) return std::nullopt;
    return Outcome{run.effect_outcome, run.effect_detail, run.effect_at};
  }
  Hold& hold = context.memory.waits[run.id];
  const Observation seen = hold.update(context.memory.samples, step.condition, context.now);
  if (seen.truth == Truth::kTrue) {
    return Outcome{"ok", cat(step.condition.text(), ", seen ", seen.value), context.now};
  }
  const WallTime deadline = run.step_at + step.timeout;
  if (context.now >= deadline) {
    const std::string last = seen.truth == Truth::kNoData ? "no data" : cat("seen ", seen.value);
    return Outcome{
        "failed",
        cat("not within ", duration_text(step.timeout), ": ", step.condition.text(), ", ", last),
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
      if (step.kind != "wait_for") return;
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
    context.emit(
        "step.started",
        {{"run", id}, {"step", run.step}, {"name", step.name}, {"kind", step.kind}, {"attempt", 1}},
        owner_of(run));
    end(context, context.state.runs.at(id), step, {"ok", cat("would ", step.text()), context.now});
  }
  finish(context, context.state.runs.at(id));
}

}  // namespace panshi::controller
