// SPDX-License-Identifier: Apache-2.0
// History: writes the journal of an invented drill in a few lines. Times in milliseconds.
#pragma once

#include <string>
#include <vector>

#include "core/model/event.h"

namespace panshi::controller {

class History {
 public:
  static constexpr std::int64_t kStart_us = 1'700'000'000'000'000;

  History& add(double at_ms, std::string kind, nlohmann::json data = nlohmann::json::object(),
               std::string drill = "d-1") {
    Event event;
    event.seq = static_cast<std::int64_t>(events.size()) + 1;
    event.at = from_us(kStart_us + static_cast<std::int64_t>(at_ms * 1000));
    event.kind = std::move(kind);
    event.drill = std::move(drill);
    if (data.contains("run")) event.run = data["run"];
    event.data = std::move(data);
    events.push_back(std::move(event));
    return *this;
  }

  std::vector<Event> events;
};

// In force at 1000 ms, noticed after 150, healed by run r-1; passed.
inline History healed_drill() {
  History h;
  const nlohmann::json target = {{"service", "cardkeys"}};
  h.add(0, "drill.started",
        {{"name", "hang"},
         {"seed", 42},
         {"scenario",
          {{"title", "It hangs"},
           {"summary", "It is stopped."},
           {"expect", {{{"breach", "slow"}, {"within", "2s"}}}}}}});
  h.add(1000, "fault.live",
        {{"fault", "freeze"}, {"kind", "process.pause"}, {"target", target}, {"took_us", 300}});
  h.add(1140, "signal.symptom", {{"rule", "slow"}, {"signal", "latency_ms"}, {"value", 180}});
  h.add(1150, "breach.opened",
        {{"breach", "b-1"},
         {"rule", "slow"},
         {"signal", "latency_ms"},
         {"value", 180},
         {"text", "It is slow: latency_ms > 150, seen 180"},
         {"target", target}});
  h.add(1150.5, "run.started", {{"run", "r-1"}, {"runbook", "failover"}, {"dry_run", false}});
  h.add(1151, "step.started", {{"run", "r-1"}, {"step", 0}, {"name", "to b"}, {"kind", "reroute"}});
  h.add(1160, "step.done",
        {{"run", "r-1"},
         {"step", 0},
         {"name", "to b"},
         {"kind", "reroute"},
         {"outcome", "ok"},
         {"duration_us", 9000}});
  h.add(1200, "slo.first_good", {{"signal", "latency_ms"}, {"value", 20}});
  h.add(1210, "run.done", {{"run", "r-1"}, {"outcome", "ok"}});
  h.add(3000, "fault.reverted", {{"fault", "freeze"}, {"reason", "asked"}});
  h.add(4000, "slo.met", {{"signal", "ratio"}, {"value", 1}});
  h.add(5000, "redundancy.back");
  h.add(6000, "audit.done",
        {{"verdict", "valid"},
         {"audit",
          {{"attempted", 10},
           {"acknowledged", 9},
           {"ok", 9},
           {"lost", 0},
           {"duplicated", 0},
           {"undelivered", 0},
           {"conservation", {{"ok", true}}}}}});
  h.add(6100, "drill.expectation", {{"text", "breach of slow within 2s"}, {"ok", true}});
  h.add(6200, "drill.done",
        {{"verdict", "pass"}, {"aborted", false}, {"why", nlohmann::json::array()}});
  return h;
}

}  // namespace panshi::controller
