// SPDX-License-Identifier: Apache-2.0
#include "controller/rules/rules.h"

#include <algorithm>

#include "core/base/text.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;

constexpr Duration kSymptomOver = 1s;  // within the threshold this long: the next is a new symptom

BreachFacts* open_breach(State& state, const std::string& rule) {
  for (auto& [id, breach] : state.breaches) {
    if (breach.rule == rule && !breach.cleared_at) return &breach;
  }
  return nullptr;
}

std::string active_drill_id(const State& state) {
  const DrillFacts* drill = state.active_drill();
  return drill && drill->phase != "steady" ? drill->id : std::string();
}

// The open incident about the same target, or a new one.
std::string incident_for(Context& context, const Rule& rule, const std::string& breach) {
  const std::string target = rule.target.text();
  for (const auto& [id, incident] : context.state.incidents) {
    if (incident.target == target && !incident.closed_at) return id;
  }
  const std::string id = cat("i-", context.state.counters.incident + 1);
  context.emit("incident.opened",
               {{"rule", rule.name}, {"breach", breach}, {"title", rule.title}, {"target", target}},
               {active_drill_id(context.state), id, "", ""});
  return id;
}

void open(Context& context, const Rule& rule, double value) {
  const std::string id = cat("b-", context.state.counters.breach + 1);
  const std::string incident = incident_for(context, rule, id);
  context.emit("breach.opened",
               {{"breach", id},
                {"rule", rule.name},
                {"signal", rule.when.signal},
                {"value", value},
                {"text", cat(rule.title, ": ", rule.when.text(), ", seen ", value)},
                {"target", to_json(rule.target)},
                {"severity", rule.severity}},
               {active_drill_id(context.state), incident, "", rule.target.node});
}

void evaluate(Context& context, const Rule& rule, WallTime at) {
  RuleWatch& watch = context.memory.rules[rule.name];
  const Observation fires = watch.fires.update(context.memory.samples, rule.when, at);
  const Observation clears = watch.clears.update(context.memory.samples, rule.clear, at);
  BreachFacts* breach = open_breach(context.state, rule.name);
  if (!breach && fires.truth == Truth::kTrue) {
    open(context, rule, fires.value);
  } else if (breach && clears.truth == Truth::kTrue && fires.truth != Truth::kTrue) {
    context.emit("breach.cleared",
                 {{"breach", breach->id}, {"rule", rule.name}, {"value", clears.value}},
                 {breach->drill, breach->incident, "", rule.target.node});
  }
}

// The first sample beyond the threshold after the signal was fine for a while.
void note_symptom(Context& context, const Rule& rule, WallTime at, double value) {
  RuleWatch& watch = context.memory.rules[rule.name];
  if (!rule.when.test(value)) {
    if (!watch.fine_since) watch.fine_since = at;
    if (at - *watch.fine_since >= kSymptomOver) watch.beyond = false;
    return;
  }
  watch.fine_since.reset();
  if (watch.beyond) return;
  watch.beyond = true;
  if (open_breach(context.state, rule.name)) return;  // known already: we were restarted
  context.emit_at(at, "signal.symptom",
                  {{"rule", rule.name}, {"signal", rule.when.signal}, {"value", value}},
                  {active_drill_id(context.state), "", "", rule.target.node});
}

void note_first_good(Context& context, const Rule& rule, WallTime at, double value) {
  if (rule.when.test(value)) return;
  std::vector<BreachFacts> good;
  for (const auto& [id, breach] : context.state.breaches) {
    if (breach.rule == rule.name && breach.routed_at && !breach.first_good &&
        at >= *breach.routed_at) {
      good.push_back(breach);
    }
  }
  for (const BreachFacts& breach : good) {
    context.emit_at(at, "slo.first_good",
                    {{"breach", breach.id},
                     {"rule", rule.name},
                     {"signal", rule.when.signal},
                     {"value", value}},
                    {breach.drill, breach.incident, "", rule.target.node});
  }
}

}  // namespace

void note_sample(Context& context, const Samples::From& from, const AgentEvents::Sample& sample) {
  const auto rules = context.memory.rules_by_signal.find(sample.signal);
  if (rules == context.memory.rules_by_signal.end()) return;
  for (const Rule* rule : rules->second) {
    if (rule->when.node.empty() ? !from.owned : rule->when.node != from.node) continue;
    note_symptom(context, *rule, sample.at, sample.value);
    note_first_good(context, *rule, sample.at, sample.value);
    evaluate(context, *rule, sample.at);
  }
}

void advance_rules(Context& context) {
  for (auto& [name, watch] : context.memory.rules) {
    const Rule& rule = context.catalog.rules.at(name);
    for (const Hold* hold : {&watch.fires, &watch.clears}) {
      if (hold->due() && *hold->due() <= context.now) {
        evaluate(context, rule, context.now);
        break;
      }
    }
    for (const Hold* hold : {&watch.fires, &watch.clears}) {
      if (hold->due()) context.wake_at(*hold->due());
    }
  }
}

}  // namespace panshi::controller
