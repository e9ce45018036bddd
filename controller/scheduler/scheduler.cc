// SPDX-License-Identifier: Apache-2.0
#include "controller/scheduler/scheduler.h"

#include "controller/drills/draw.h"
#include "controller/drills/drills.h"
#include "core/base/random.h"
#include "core/base/text.h"
#include "core/model/calendar.h"
#include "core/model/check.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLookBack = 24h * 35;  // due times missed longer ago are not worth an event each
constexpr std::uint64_t kSeedsEnd = 1'000'000'000;

const std::string& pick(const DrillDay& day, std::uint64_t seed) {
  Random random(seed ^ 0x9e3779b9);  // a stream of its own: targets are drawn from the seed itself
  return day.scenarios[random.below(day.scenarios.size())];
}

// Nobody sits before it when a drill day does not happen: it is told.
void miss(Context& context, const DrillDay& day, WallTime due, const std::string& why) {
  context.memory.held.erase(day.name);
  context.emit("schedule.missed", {{"drill_day", day.name}, {"due_us", to_us(due)}, {"why", why}});
  Effect told;
  told.kind = EffectKind::kNotify;
  told.body = {{"channel", "log"},
               {"message", cat("drill day ", day.name, " missed ", time_text(due), ": ", why)},
               {"page", false}};
  told.timeout = context.catalog.settings.effect_timeout;
  context.intend(std::move(told));
}

// The drill of another day, an incident: both pass, and `missed_within` says how long that may
// take. Who halts wants no drill when he comes back.
bool hold(Context& context, const DrillDay& day, WallTime due, const std::string& why) {
  const WallTime last = due + day.missed_within;
  if (context.state.halted || context.state.calendar(context.now) >= last) return false;
  context.memory.held[day.name] = {due, why};
  context.wake_at(last - context.state.calendar_ahead);
  return true;
}

// Not yet dealt with, if it is held.
void run_due(Context& context, const DrillDay& day, WallTime due) {
  const State& state = context.state;
  const auto& handled = state.drill_days.at(day.name).handled;
  const auto early = handled.find(due);
  if (early != handled.end() && early->second == DayFacts::Dealt::kEarly) {
    return miss(context, day, due, "it was run already, when the clock was ahead");
  }
  if (state.calendar(context.now) > due + day.missed_within) {
    const bool was_down = due < state.started_on;
    const auto held = context.memory.held.find(day.name);
    if (held != context.memory.held.end() && held->second.due == due) {
      return miss(context, day, due, std::string(held->second.why));
    }
    return miss(context, day, due,
                was_down ? "no controller was running then"
                         : "the clock was set past it, or the machine slept");
  }
  const std::uint64_t seed = seed_of(day, due);
  const std::string& name = pick(day, seed);
  const auto scenario = context.catalog.scenarios.find(name);
  if (scenario == context.catalog.scenarios.end()) {
    return miss(context, day, due, cat("scenario `", name, "` is not in the catalog"));
  }
  const DrillOrder order{scenario->second, seed, "scheduled"};
  if (std::string why = why_not_drill(context, order); !why.empty()) {
    why = cat(name, " was not started: ", why);
    if (!hold(context, day, due, why)) miss(context, day, due, why);
    return;
  }
  context.memory.held.erase(day.name);
  context.emit(
      "schedule.due",
      {{"drill_day", day.name}, {"due_us", to_us(due)}, {"seed", seed}, {"scenario", name}});
  start_drill(context, order);
}

// A day that is off has no plan; one that was changed, or is new, begins now.
std::string plan_of(const DrillDay& day) {
  if (!day.enabled) return {};
  return cat(day.weekday, " ", day.hour, ":", day.minute, " ", day.zone);
}

// What is planned is journaled, so that a due time from before it was planned, which may be within
// `missed_within`, is nobody's.
void plan_days(Context& context) {
  std::map<std::string, std::string> plans;
  for (const auto& [name, facts] : context.state.drill_days) plans[name] = "";
  for (const DrillDay& day : context.catalog.drill_days) plans[day.name] = plan_of(day);
  for (const auto& [name, plan] : plans) {
    const auto known = context.state.drill_days.find(name);
    const bool same = known != context.state.drill_days.end() && known->second.plan == plan;
    if (same) continue;
    context.memory.next_due.erase(name);
    context.memory.held.erase(name);
    context.emit("schedule.planned", {{"drill_day", name}, {"plan", plan}});
  }
}

}  // namespace

Result<nlohmann::json> draw(const Catalog& catalog, const DrillDay& day, std::uint64_t seed) {
  const std::string& name = pick(day, seed);
  const auto scenario = catalog.scenarios.find(name);
  if (scenario == catalog.scenarios.end()) {
    std::vector<std::string> known;
    for (const auto& [other, unused] : catalog.scenarios) known.push_back(other);
    return fail(ErrorCode::kNotFound, unknown_name("scenario", name, known));
  }
  nlohmann::json targets = nlohmann::json::array();
  for (const Target& target : draw_targets(scenario->second, seed)) {
    targets.push_back(to_json(target));
  }
  return nlohmann::json{{"scenario", name}, {"seed", seed}, {"targets", std::move(targets)}};
}

std::uint64_t seed_of(const DrillDay& day, WallTime due) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : day.name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  Random random(hash ^ static_cast<std::uint64_t>(to_us(due)));
  return random.below(kSeedsEnd);
}

std::optional<WallTime> next_due_of(const State& state, const DrillDay& day, WallTime now) {
  if (!day.enabled) return std::nullopt;
  const WallTime today = state.calendar(now);
  const auto found = state.drill_days.find(day.name);
  if (found == state.drill_days.end()) return std::nullopt;  // not planned yet
  const DayFacts& facts = found->second;
  WallTime after = std::max(facts.since, today - kLookBack);
  // A clock that was ahead for a while has left due times that are still to come, and some that
  // were run early: these come once more, to be told.
  auto dealt = facts.handled.upper_bound(today);
  while (dealt != facts.handled.begin() && std::prev(dealt)->second == DayFacts::Dealt::kEarly) {
    --dealt;
  }
  if (dealt != facts.handled.begin()) after = std::max(after, std::prev(dealt)->first);
  const auto due = next_due(day, after);
  if (!due) return std::nullopt;
  return *due;
}

void advance_scheduler(Context& context) {
  plan_days(context);
  const Duration ahead = context.state.calendar_ahead;
  const WallTime today = context.state.calendar(context.now);
  for (const DrillDay& day : context.catalog.drill_days) {
    WallTime& next = context.memory.next_due[day.name];
    if (next > today) {  // asking the calendar each time would be dear
      context.wake_at(next - ahead);
      continue;
    }
    while (true) {
      const auto held = context.memory.held.find(day.name);
      const auto due = held != context.memory.held.end()
                           ? std::optional(held->second.due)
                           : next_due_of(context.state, day, context.now);
      if (!due) break;
      if (*due > today) {
        next = *due;
        context.wake_at(next - ahead);
        break;
      }
      // After a restart the agents must have had the time to report.
      const bool late = today > *due + day.missed_within;
      if (!late && !context.first_contact_over()) {
        context.wake_at(context.state.started_at + context.catalog.settings.contact_within);
        break;
      }
      run_due(context, day, *due);
      if (context.memory.held.contains(day.name)) break;
    }
  }
}

}  // namespace panshi::controller
