// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/checks.h"

#include <algorithm>

#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/json/fields.h"

namespace panshi::sim {
namespace {

template <class... Pieces>
void require(bool holds, const Pieces&... pieces) {
  if (!holds) throw BrokenPromise(cat(pieces...));
}

std::string text(const Event& event, const char* key) {
  return event.data.value(key, std::string());
}

}  // namespace

void Checks::stepped(const controller::Stepped& out, WallTime now) {
  std::set<std::string> told;
  for (const Event& event_out : out.events) {
    event(event_out, now);
    if (event_out.kind == "effect.intended") told.insert(text(event_out, "effect"));
  }
  for (const auto& effect : out.effects) {
    require(told.contains(effect.id), "effect ", effect.id, " is not in the journal");
    require(is_id(effect.id) && (effect.subject.empty() || is_id(effect.subject)), "bad id");
  }
  require(told.size() == out.effects.size(), "an intent without its effect");
  if (out.answer && !*out.answer) {
    require(!out.answer->error().message.empty(), "a refusal without a reason");
  }
}

void Checks::event(const Event& event, WallTime now) {
  require(event.at <= now, event.kind, " lies in the future");
  if (event.kind == "halt.on") halted_ = true;
  if (event.kind == "halt.off") halted_ = false;
  if (event.kind == "doubt.on") doubt_ = true;
  if (event.kind == "doubt.off") doubt_ = false;
  if (event.kind.starts_with("effect.")) effect_event(event);
  if (event.kind == "drill.started") {
    require(active_drill_.empty(), "two drills at once");
    require(!halted_ && !doubt_, "a drill started while halted or in doubt");
    active_drill_ = event.drill;
    targets_max_[event.drill] = event.data["scenario"]["limits"]["targets_max"].get<int>();
  }
  if (event.kind == "agent.down" && !active_drill_.empty()) {
    clouds_[active_drill_].insert("agent " + event.node);
  }
  if (event.kind == "fault.reverted") clouds_[event.drill].erase(text(event, "fault"));
  if (event.kind == "fault.reverted") reverted_[text(event, "fault")] = event;
  if (event.kind == "fault.live") told_live_.insert(text(event, "fault"));
  if (event.kind == "fault.live") clouds_[event.drill].insert(text(event, "fault"));
  if (event.kind.starts_with("fault.") && event.kind != "fault.failed") effect_shown(event);
  if (event.kind == "drill.done") drill_done(event);
  schedule_event(event);
  if (event.kind == "run.started") run_started(event);
  if (event.kind == "run.refused" || event.kind == "schedule.missed") {
    require(!text(event, "why").empty(), event.kind, " without a reason");
  }
  if (event.kind.starts_with("step.")) step_event(event);
  if (event.kind == "run.done" && runs_.contains(event.run)) {
    ends_[runs_[event.run].runbook] = event.at;
    runs_.erase(event.run);
  }
}

void Checks::schedule_event(const Event& event) {
  if (event.kind == "schedule.due" || event.kind == "schedule.missed") {
    const Due due(text(event, "drill_day"), event.data["due_us"].get<std::int64_t>());
    require(dues_.insert(due).second, "a due time was dealt with twice");
    require(event.kind != "schedule.due" || run_.insert(due).second, "a due time was run twice");
  } else if (event.data.contains("calendar_ahead_us")) {
    const auto now = to_us(event.at) + event.data["calendar_ahead_us"].get<std::int64_t>();
    std::erase_if(dues_, [&](const Due& due) { return due.second > now; });
  }
}

// The fake agents measure the same figure by every name that a kind may have for it.
void Checks::effect_shown(const Event& event) {
  const std::string cloud = cat("that ", text(event, "fault"), " had an effect");
  if (event.data.contains("measured") && event.data["measured"].value("stopped", 0) > 0) {
    clouds_[event.drill].erase(cloud);
    shown_.insert(text(event, "fault"));
  } else if (event.kind == "fault.live" && !shown_.contains(text(event, "fault"))) {
    clouds_[event.drill].insert(cloud);
  }
}

void Checks::effect_event(const Event& event) {
  const std::string id = text(event, "effect");
  if (event.kind == "effect.intended") {
    require(intended_.insert(id).second, "effect id ", id, " given twice");
    pending_[id] = text(event, "kind");
    if (pending_[id] != "inject") return;
    require(!halted_, "injected while halted");
    require(!doubt_, "injected while in doubt");
    injects_[id] = text(event, "subject");
    terms_[text(event, "subject")] = Duration(event.data["for_us"].get<std::int64_t>());
    return;
  }
  require(pending_.contains(id), "effect ", id, " has a second outcome, or no intent");
  const std::string outcome = text(event, "outcome");
  require(outcome == "ok" || outcome == "failed" || outcome == "unknown", "outcome ", outcome);
  // Its agent's own word that the fault is in force is as good as the answer that got lost.
  const bool told = injects_.contains(id) && told_live_.contains(injects_.at(id));
  if (outcome == "unknown" && !event.drill.empty() && pending_[id] == "inject" && !told) {
    clouds_[event.drill].insert(cat("inject ", id));
  }
  pending_.erase(id);
}

void Checks::drill_done(const Event& event) {
  active_drill_.clear();
  const auto clouds = clouds_.find(event.drill);
  if (text(event, "verdict") != "pass" || clouds == clouds_.end() || clouds->second.empty()) return;
  throw BrokenPromise(
      cat("drill ", event.drill, " passed, but not known: ", *clouds->second.begin()));
}

void Checks::run_started(const Event& event) {
  if (event.data["dry_run"].get<bool>()) return;
  const std::string name = text(event, "runbook");
  const Runbook& runbook = catalog_.runbooks.at(name);
  require(!doubt_ || text(event, "breach").empty(), "a run was decided in doubt");
  const auto last = ends_.find(name);
  require(last == ends_.end() || event.at >= last->second + runbook.cooldown, name,
          " started in its cooldown");
  auto& starts = starts_[name];
  starts.push_back(event.at);
  const auto recent = std::count_if(starts.begin(), starts.end(), [&](WallTime at) {
    return at + runbook.runs_within > event.at;
  });
  require(recent <= runbook.runs_max, name, " ran too often");
  Run run{name, event.data["targets"].get<std::vector<std::string>>(), {}};
  for (const auto& [id, other] : runs_) {
    for (const std::string& target : run.targets) {
      const auto& taken = other.targets;
      require(std::find(taken.begin(), taken.end(), target) == taken.end(), "runs ", id, " and ",
              event.run, " both act on ", target);
    }
  }
  runs_[event.run] = std::move(run);
}

void Checks::step_event(const Event& event) {
  const auto run = runs_.find(event.run);
  if (run == runs_.end()) return;  // a dry run
  const auto step = event.data["step"].get<std::int64_t>();
  if (event.kind == "step.started") {
    require(!run->second.not_again.contains(step), "run ", event.run, " repeats step ", step,
            " whose outcome is unknown and which is not idempotent");
    return;
  }
  const auto& steps = catalog_.runbooks.at(run->second.runbook).steps;
  if (text(event, "outcome") == "unknown" && !steps.at(static_cast<std::size_t>(step)).idempotent) {
    run->second.not_again.insert(step);
  }
}

void Checks::agents(const std::map<std::string, FakeAgent>& agents, Duration slack, WallTime now) {
  std::map<std::string, std::set<std::string>> broken;  // drill -> targets
  for (const auto& [name, agent] : agents) {
    for (const auto& [id, fault] : agent.faults) {
      if (fault.state != "live") continue;
      if (agent.alive) require(now <= fault.lease_until, "fault ", id, " outlives its lease");
      require(terms_.contains(id), "fault ", id, " is live and was never intended");
      require(now <= fault.live_since + terms_[id] + catalog_.settings.lease + slack, "fault ", id,
              " is live long after its time");
      if (!fault.drill.empty()) broken[fault.drill].insert(name + dump_json(fault.target));
    }
  }
  for (const auto& [drill, targets] : broken) {
    require(static_cast<std::int64_t>(targets.size()) <= targets_max_[drill], "drill ", drill,
            " broke ", targets.size(), " targets, at most ", targets_max_[drill]);
  }
}

void Checks::at_end(const std::map<std::string, FakeAgent>& agents) const {
  require(pending_.empty(), "effect ", pending_.empty() ? "" : pending_.begin()->first,
          " never got an outcome");
  require(active_drill_.empty(), "drill ", active_drill_, " never ended");
  require(runs_.empty(), "run ", runs_.empty() ? "" : runs_.begin()->first, " never ended");
  for (const auto& [name, agent] : agents) {
    for (const auto& [id, fault] : agent.faults) {
      require(fault.state != "live", "fault ", id, " was left behind on ", name);
      if (!fault.was_live) continue;
      require(told_live_.contains(id), "fault ", id, " was in force, unseen by the journal");
      const auto end = reverted_.find(id);
      require(end != reverted_.end(), "the journal has no end of fault ", id);
      require(end->second.at == fault.ended_at, "fault ", id, " ended at another time");
      require(text(end->second, "reason") == fault.reason, "fault ", id, " ended by ", fault.reason,
              ", the journal says ", text(end->second, "reason"));
    }
  }
}

}  // namespace panshi::sim
