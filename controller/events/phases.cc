// SPDX-License-Identifier: Apache-2.0
#include "controller/events/phases.h"

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <utility>

#include "controller/events/event_data.h"
#include "core/model/steps/step_kind.h"

namespace panshi::controller {
namespace {

using Wanted = std::function<bool(const Event&)>;

// Earliest by time: events arrive from several agents, so seq order is not quite time order.
const Event* earliest(const std::vector<Event>& events, std::optional<WallTime> from,
                      const Wanted& wanted) {
  const Event* best = nullptr;
  for (const Event& event : events) {
    if ((from && event.at < *from) || !wanted(event)) continue;
    if (best == nullptr || event.at < best->at) best = &event;
  }
  return best;
}

Wanted kind_is(std::string kind) {
  return [kind = std::move(kind)](const Event& event) { return event.kind == kind; };
}

bool started_in_earnest(const Event& event) {
  return event.kind == "run.started" && !flag_of(event.data, "dry_run").value_or(false);
}

bool routes(const Event& event) {
  if (event.kind != "step.done" || text_of(event.data, "outcome") != "ok") return false;
  const StepKind* const kind = find_step_kind(text_of(event.data, "kind"));
  return kind && kind->routes;
}

bool injects(const Event& event) {
  return event.kind == "effect.intended" && text_of(event.data, "kind") == "inject";
}

// From when on a sign may be the fault's doing. A killed process is missed before its agent reports
// the fault, and what an agent saw is placed on the controller's clock with an error of some
// milliseconds on a busy machine; the intention was noted here, before anything was done.
WallTime begin_of(const std::vector<Event>& events, const Event& live) {
  const Event* intended = earliest(events, {}, injects);
  if (intended != nullptr && intended->at < live.at) return intended->at;
  return live.at - length_of(live.data, "took_us").value_or(Duration(0));
}

constexpr std::array<std::pair<const char*, const char*>, 8> kPhases = {{
    {"in force", "no fault came into force"},
    {"symptom", "no signal went beyond the threshold of a rule"},
    {"detected", "no breach was opened"},
    {"decided", "no run was started"},
    {"routed", "no reroute or restart step succeeded"},
    {"first good request", "no good sample followed a reroute or restart"},
    {"SLO met", "the service level was not seen to be met again"},
    {"redundancy back", "redundancy was not seen to be back"},
}};

using Found = std::array<const Event*, kPhases.size()>;

Found find_all(const std::vector<Event>& events) {
  Found found{};
  found[0] = earliest(events, {}, kind_is("fault.live"));
  if (found[0] == nullptr) return found;
  const WallTime begin = begin_of(events, *found[0]);
  found[2] = earliest(events, begin, kind_is("breach.opened"));
  const std::string rule = found[2] ? text_of(found[2]->data, "rule") : std::string();
  found[1] = earliest(events, begin, [&rule](const Event& event) {
    return event.kind == "signal.symptom" && (rule.empty() || text_of(event.data, "rule") == rule);
  });
  const std::string incident = found[2] ? found[2]->incident : std::string();
  const auto of_incident = [&](std::string kind) {  // others may be open for reasons of their own
    return [&incident, kind = std::move(kind)](const Event& event) {
      return event.kind == kind && (incident.empty() || event.incident == incident);
    };
  };
  found[3] = earliest(events, found[2] ? found[2]->at : begin, started_in_earnest);
  found[4] = earliest(events, found[3] ? found[3]->at : begin, routes);
  found[5] = earliest(events, begin, of_incident("slo.first_good"));
  found[6] = earliest(events, begin, of_incident("slo.met"));
  found[7] = earliest(events, begin, of_incident("redundancy.back"));
  return found;
}

void add_times(std::vector<Phase>& phases) {
  if (!phases.front().at) return;
  const WallTime zero = *phases.front().at;
  WallTime newest = zero;
  for (Phase& phase : phases) {
    if (!phase.at) continue;
    phase.since_in_force_us = (*phase.at - zero).count();
    if (*phase.at >= newest) phase.took_us = (*phase.at - newest).count();
    newest = std::max(newest, *phase.at);
  }
  const double whole = static_cast<double>((newest - zero).count());
  if (whole <= 0) return;
  for (Phase& phase : phases) {
    if (phase.took_us) phase.share = static_cast<double>(*phase.took_us) / whole;
  }
}

template <class T>
nlohmann::json or_null(const std::optional<T>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

nlohmann::json ms_or_null(const std::optional<std::int64_t>& us) {
  return us ? nlohmann::json(static_cast<double>(*us) / 1000) : nlohmann::json();
}

}  // namespace

bool tells_of_phases(const Event& event) {
  static const std::set<std::string_view> kKinds = {
      "fault.live", "signal.symptom", "breach.opened", "run.started",
      "step.done",  "slo.first_good", "slo.met",       "redundancy.back"};
  return kKinds.contains(event.kind) || injects(event);
}

std::vector<Phase> phases(const std::vector<Event>& events) {
  const Found found = find_all(events);
  std::vector<Phase> phases;
  for (std::size_t i = 0; i < kPhases.size(); ++i) {
    Phase phase;
    phase.name = kPhases[i].first;
    if (found[i] != nullptr) {
      if (found[i]->seq != 0) phase.seq = found[i]->seq;
      phase.at = found[i]->at;
    } else {
      phase.missing = kPhases[found[0] == nullptr ? 0 : i].second;
    }
    phases.push_back(std::move(phase));
  }
  add_times(phases);
  return phases;
}

nlohmann::json phases_json(const std::vector<Phase>& phases) {
  nlohmann::json list = nlohmann::json::array();
  for (const Phase& phase : phases) {
    list.push_back(
        {{"name", phase.name},
         {"at_us", phase.at ? nlohmann::json(to_us(*phase.at)) : nlohmann::json()},
         {"since_in_force_ms", ms_or_null(phase.since_in_force_us)},
         {"took_ms", ms_or_null(phase.took_us)},
         {"share", or_null(phase.share)},
         {"seq", or_null(phase.seq)},
         {"missing", phase.missing.empty() ? nlohmann::json() : nlohmann::json(phase.missing)}});
  }
  return list;
}

}  // namespace panshi::controller
