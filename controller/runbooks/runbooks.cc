// SPDX-License-Identifier: Apache-2.0
#include "controller/runbooks/runbooks.h"

#include <algorithm>
#include <set>

#include "controller/runbooks/steps.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

const BreachFacts* breach_of(const State& state, const std::string& id) {
  const auto found = state.breaches.find(id);
  return found == state.breaches.end() ? nullptr : &found->second;
}

std::vector<std::string> targets_of(const Context& context, const Runbook& runbook,
                                    const RunOrder& order) {
  std::set<std::string> targets;
  for (const Step& step : runbook.steps) {
    if (std::string target = step.action->target(); !target.empty())
      targets.insert(std::move(target));
  }
  if (const BreachFacts* breach = breach_of(context.state, order.breach)) {
    const bool link = breach->target.find('/') != std::string::npos;
    targets.insert(cat(link ? "link " : "service ", breach->target));
  }
  return {targets.begin(), targets.end()};
}

// "run r-3 of `x` acts on service orders", or empty.
std::string why_target_taken(const Context& context, const Runbook& runbook,
                             const RunOrder& order) {
  const auto targets = targets_of(context, runbook, order);
  for (const auto& [id, run] : context.state.runs) {
    if (!run.active() || run.dry_run) continue;
    if (run.runbook == runbook.name) return cat("run ", id, " of the same runbook is under way");
    for (const std::string& target : targets) {
      if (std::find(run.targets.begin(), run.targets.end(), target) != run.targets.end()) {
        return cat("run ", id, " of `", run.runbook, "` acts on ", target);
      }
    }
  }
  return {};
}

std::string why_too_often(const Context& context, const Runbook& runbook) {
  std::int64_t recent = 0;
  std::optional<WallTime> last_end;
  for (const auto& [id, run] : context.state.runs) {
    if (run.runbook != runbook.name || run.dry_run) continue;
    if (run.started_at + runbook.runs_within > context.now) ++recent;
    if (run.ended_at && (!last_end || *run.ended_at > *last_end)) last_end = run.ended_at;
  }
  if (last_end && context.now < *last_end + runbook.cooldown) {
    return cat("in cooldown until ", time_text(*last_end + runbook.cooldown));
  }
  if (recent >= runbook.runs_max) {
    return cat(recent, " runs within ", duration_text(runbook.runs_within), ", at most ",
               runbook.runs_max);
  }
  return {};
}

// A breach is answered by one run that ends well; one that did not may be tried again.
bool is_answered(const State& state, const Runbook& runbook, const std::string& breach) {
  return std::any_of(state.runs.begin(), state.runs.end(), [&](const auto& item) {
    const RunFacts& run = item.second;
    return run.runbook == runbook.name && run.breach == breach && !run.dry_run &&
           (run.active() || run.outcome == "ok");
  });
}

void consider(Context& context, const Runbook& runbook, const std::string& breach) {
  if (is_answered(context.state, runbook, breach)) return;
  const RunOrder order{breach, false};
  const std::string why = why_not_run(context, runbook, order);
  if (why.empty()) {
    start_run(context, runbook, order);
    return;
  }
  const BreachFacts facts = context.state.breaches.at(breach);
  const auto told = facts.refused.find(runbook.name);
  if (told != facts.refused.end() && told->second == why) return;
  context.emit("run.refused", {{"runbook", runbook.name}, {"breach", breach}, {"why", why}},
               {facts.drill, facts.incident, "", ""});
}

// When a guard that refuses now may let go.
void wake_for_guards(Context& context, const Runbook& runbook) {
  for (const auto& [id, run] : context.state.runs) {
    if (run.runbook != runbook.name) continue;
    const WallTime out_of_limit = run.started_at + runbook.runs_within;
    if (run.ended_at && *run.ended_at + runbook.cooldown > context.now) {
      context.wake_at(*run.ended_at + runbook.cooldown);
    }
    if (out_of_limit > context.now) context.wake_at(out_of_limit);
  }
}

}  // namespace

std::string why_not_run(const Context& context, const Runbook& runbook, const RunOrder& order) {
  if (!order.breach.empty() && context.state.doubt) {
    return "decisions are off: the controller was late and doubts its evidence";
  }
  if (std::string why = why_target_taken(context, runbook, order); !why.empty()) return why;
  return why_too_often(context, runbook);
}

std::string start_run(Context& context, const Runbook& runbook, const RunOrder& order) {
  const std::string id = cat("r-", context.state.counters.run + 1);
  Owner owner;
  owner.run = id;
  if (const BreachFacts* breach = breach_of(context.state, order.breach)) {
    owner.incident = breach->incident;
    owner.drill = breach->drill;
  }
  context.emit("run.started",
               {{"run", id},
                {"runbook", runbook.name},
                {"breach", order.breach},
                {"dry_run", order.dry_run},
                {"targets", targets_of(context, runbook, order)}},
               owner);
  if (order.dry_run) rehearse(context, runbook, id);
  return id;
}

void advance_runbooks(Context& context) {
  std::vector<std::string> open;
  for (const auto& [id, breach] : context.state.breaches) {
    if (!breach.cleared_at) open.push_back(id);
  }
  for (const std::string& id : open) {
    for (const auto& [name, runbook] : context.catalog.runbooks) {
      if (runbook.breach.empty() || runbook.breach != context.state.breaches.at(id).rule) continue;
      consider(context, runbook, id);
      if (!is_answered(context.state, runbook, id)) wake_for_guards(context, runbook);
    }
  }
  std::vector<std::string> active;
  for (const auto& [id, run] : context.state.runs) {
    if (run.active()) active.push_back(id);
  }
  for (const std::string& id : active) advance_run(context, id);
}

}  // namespace panshi::controller
