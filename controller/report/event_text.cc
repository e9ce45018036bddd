// SPDX-License-Identifier: Apache-2.0
#include "controller/report/event_text.h"

#include <map>

#include "controller/events/event_data.h"
#include "controller/report/wording.h"
#include "core/base/text.h"
#include "core/json/fields.h"

namespace panshi::controller {
namespace {

using Json = nlohmann::json;
using Write = std::string (*)(const Event&);

std::string with(std::string_view before, const std::string& text) {
  return text.empty() ? std::string() : std::string(before) + text;
}

std::string took(const Json& data, const char* key) {
  const auto us = integer_of(data, key);
  return us ? " in " + time_text(*us) : std::string();
}

std::string value_in(const Json& data) {
  const auto value = number_of(data, "value");
  return value ? " at " + value_text(*value) : std::string();
}

std::string drill_started(const Event& event) {
  const Json& data = event.data;
  const auto seed = integer_of(data, "seed");
  return cat("drill ", text_of(data, "name"), " started", seed ? cat(", seed ", *seed) : "",
             with(", ", text_of(data, "why")));
}

std::string drill_phase(const Event& event) {
  static const std::map<std::string, std::string> kWords = {
      {"steady", "waiting for the steady state"}, {"inject", "injecting"},
      {"recover", "waiting for recovery"},        {"settle", "letting it settle"},
      {"audit", "auditing the ledger"},           {"done", "done"}};
  const std::string phase = text_of(event.data, "phase");
  const auto found = kWords.find(phase);
  return found == kWords.end() ? "phase " + phase : found->second;
}

std::string drill_steady(const Event& event) {
  std::vector<std::string> checks;
  const Json& list = value_of(event.data, "checks");
  for (const Json& check : list.is_array() ? list : Json::array()) {
    const auto observed = number_of(check, "observed");
    checks.push_back(cat(text_of(check, "text"),
                         observed ? " observed " + value_text(*observed) : "",
                         flag_of(check, "ok").value_or(false) ? "" : " (not met)"));
  }
  const bool ok = flag_of(event.data, "ok").value_or(false);
  return cat("steady state ", ok ? "holds" : "does not hold", with(": ", join(checks, "; ")));
}

std::string drill_expectation(const Event& event) {
  const Json& ok = value_of(event.data, "ok");
  const char* outcome = !ok.is_boolean() ? "unknown" : ok.get<bool>() ? "met" : "not met";
  const Json& observed = value_of(event.data, "observed");
  std::string seen = observed.is_string()   ? observed.get<std::string>()
                     : observed.is_number() ? value_text(observed.get<double>())
                                            : std::string();
  return cat("expectation ", outcome, ": ", text_of(event.data, "text"), with(", observed ", seen));
}

std::string drill_done(const Event& event) {
  return cat("verdict ", text_of(event.data, "verdict"),
             flag_of(event.data, "aborted").value_or(false) ? ", aborted" : "",
             with(": ", join(texts_of(event.data, "why"), "; ")));
}

std::string fault_live(const Event& event) {
  const Json& data = event.data;
  return cat("fault ", text_of(data, "fault"), " in force: ", text_of(data, "kind"), " on ",
             target_text(value_of(data, "target")), with(", applied", took(data, "took_us")));
}

std::string fault_seen(const Event& event) {
  return cat("fault ", text_of(event.data, "fault"), " is seen again, still in force");
}

std::string fault_reverted(const Event& event) {
  return cat("fault ", text_of(event.data, "fault"), " reverted",
             with(", ", text_of(event.data, "reason")), took(event.data, "took_us"),
             with("; not everything could be given back: ",
                  text_of(value_of(event.data, "measured"), "left")));
}

std::string fault_lost(const Event& event) {
  return cat("fault ", text_of(event.data, "fault"), " is lost: ", text_of(event.data, "why"));
}

std::string fault_stuck(const Event& event) {
  return cat("fault ", text_of(event.data, "fault"),
             " cannot be reverted yet: ", text_of(event.data, "error"));
}

std::string fault_failed(const Event& event) {
  return cat("fault ", text_of(event.data, "fault"), " failed",
             with(": ", text_of(event.data, "error")));
}

std::string service_exited(const Event& event) {
  const auto signal = integer_of(event.data, "signal");
  const auto code = integer_of(event.data, "code");
  std::string how;
  if (signal && *signal != 0)
    how = cat(" by signal ", *signal);
  else if (code)
    how = cat(" with code ", *code);
  return cat("service ", text_of(event.data, "service"), " exited", how);
}

std::string probe_changed(const Event& event) {
  return cat("probe ", text_of(event.data, "probe"), " is ",
             flag_of(event.data, "up").value_or(false) ? "up" : "down",
             with(": ", text_of(event.data, "reason")));
}

// `text` says signal, threshold and what was seen.
std::string breach_opened(const Event& event) {
  const Json& data = event.data;
  const std::string text = text_of(data, "text");
  return cat("breach of ", text_of(data, "rule"), ": ",
             text.empty() ? text_of(data, "signal") + value_in(data) : text,
             with(", names ", target_text(value_of(data, "target"))));
}

std::string run_done(const Event& event) {
  return cat("run ", run_of(event), " ", text_of(event.data, "outcome"),
             with(": ", text_of(event.data, "why")));
}

std::string run_started(const Event& event) {
  return cat("runbook ", text_of(event.data, "runbook"), " started, run ", run_of(event),
             flag_of(event.data, "dry_run").value_or(false) ? " (dry run)" : "");
}

std::string step_done(const Event& event) {
  return cat("step ", text_of(event.data, "name"), ": ", text_of(event.data, "outcome"),
             took(event.data, "duration_us"), with(", ", text_of(event.data, "detail")));
}

std::string audit_done(const Event& event) {
  const Json& audit = value_of(event.data, "audit");
  std::vector<std::string> counts;
  if (const Json& own = value_of(audit, "counts"); own.is_array()) {
    for (const Json& count : own) {
      const auto value = integer_of(count, "value");
      const auto must_be = integer_of(count, "must_be");
      if (value && value != must_be) counts.push_back(cat(text_of(count, "name"), " ", *value));
    }
    return cat("ledger ", text_of(event.data, "verdict"), with(": ", join(counts, ", ")));
  }
  for (const char* name : {"attempted", "acknowledged", "indeterminate", "ok", "lost"}) {
    if (const auto count = integer_of(audit, name)) counts.push_back(cat(name, " ", *count));
  }
  return cat("ledger ", text_of(event.data, "verdict"), with(": ", join(counts, ", ")));
}

std::string slo(const Event& event, std::string_view words) {
  return cat(words, with(": ", text_of(event.data, "signal")), value_in(event.data));
}

struct Row {
  std::string_view kind;
  const char* what;
  Write write;
};

constexpr Row kRows[] = {
    {"drill.started", "drill", drill_started},
    {"drill.phase", "drill", drill_phase},
    {"drill.steady", "seen", drill_steady},
    {"drill.abort", "drill", [](const Event& e) { return "abort: " + text_of(e.data, "why"); }},
    {"drill.expectation", "seen", drill_expectation},
    {"drill.done", "drill", drill_done},
    {"fault.live", "broken", fault_live},
    {"fault.seen", "seen", fault_seen},
    {"fault.reverted", "done", fault_reverted},
    {"fault.lost", "broken", fault_lost},
    {"fault.stuck", "broken", fault_stuck},
    {"fault.failed", "broken", fault_failed},
    {"service.exited", "seen", service_exited},
    {"service.ready", "seen",
     [](const Event& e) { return cat("service ", text_of(e.data, "service"), " is ready"); }},
    {"service.backoff", "done",
     [](const Event& e) {
       return cat("service ", text_of(e.data, "service"), " waits ",
                  value_text(number_of(e.data, "wait_ms").value_or(0)),
                  " ms before its next start");
     }},
    {"service.gave_up", "refused",
     [](const Event& e) {
       return cat("service ", text_of(e.data, "service"), " is not started any more after ",
                  integer_of(e.data, "restarts").value_or(0), " restarts");
     }},
    {"probe.changed", "seen", probe_changed},
    {"link.rerouted", "done",
     [](const Event& e) {
       return cat("link ", text_of(e.data, "link"), " now leads to ", text_of(e.data, "to"),
                  with(" instead of ", text_of(e.data, "from")));
     }},
    {"link.full", "refused",
     [](const Event& e) {
       return cat("link ", text_of(e.data, "link"),
                  " refuses new connections: ", integer_of(e.data, "connections").value_or(0),
                  " are open, the limit of its ", text_of(e.data, "limit_of"));
     }},
    {"link.waiting", "broken",
     [](const Event& e) {
       return cat("link ", text_of(e.data, "link"),
                  " waits for its port: ", text_of(e.data, "why"));
     }},
    {"link.listening", "done",
     [](const Event& e) { return cat("link ", text_of(e.data, "link"), " listens again"); }},
    {"account.lacks", "seen", [](const Event& e) { return text_of(e.data, "text"); }},
    {"signal.symptom", "seen",
     [](const Event& e) {
       return cat("first sign: ", text_of(e.data, "signal"), value_in(e.data),
                  with(", rule ", text_of(e.data, "rule")));
     }},
    {"breach.opened", "seen", breach_opened},
    {"breach.cleared", "seen",
     [](const Event& e) {
       return cat("breach of ", text_of(e.data, "rule"), " cleared", value_in(e.data),
                  with(": ", text_of(e.data, "why")));
     }},
    {"incident.opened", "seen",
     [](const Event& e) { return "incident opened: " + text_of(e.data, "title"); }},
    {"incident.closed", "seen",
     [](const Event& e) { return cat("incident closed", with(": ", text_of(e.data, "why"))); }},
    {"incident.acked", "done",
     [](const Event& e) {
       return cat("incident acknowledged", with(" by ", text_of(e.data, "by")));
     }},
    {"run.started", "done", run_started},
    {"run.refused", "refused",
     [](const Event& e) {
       return cat("runbook ", text_of(e.data, "runbook"), " refused: ", text_of(e.data, "why"));
     }},
    {"run.done", "done", run_done},
    {"step.done", "done", step_done},
    {"slo.first_good", "seen",
     [](const Event& e) { return slo(e, "first good sample after the reroute"); }},
    {"slo.met", "seen", [](const Event& e) { return slo(e, "service level met again"); }},
    {"redundancy.back", "seen", [](const Event&) { return std::string("redundancy is back"); }},
    {"audit.done", "seen", audit_done},
    {"notify.sent", "done",
     [](const Event& e) {
       return cat("told ", text_of(e.data, "channel"), ": ", text_of(e.data, "message"),
                  flag_of(e.data, "page").value_or(false) ? " (page)" : " (no page)");
     }},
    {"halt.on", "refused",
     [](const Event& e) { return cat("halt", with(": ", text_of(e.data, "reason"))); }},
    {"halt.off", "drill", [](const Event&) { return std::string("resumed after a halt"); }},
    {"clock.moved", "seen",
     [](const Event& e) {
       const auto moved =
           integer_of(e.data, "to_us").value_or(0) - integer_of(e.data, "from_us").value_or(0);
       return cat("the machine's clock was set ", moved < 0 ? "back" : "forward", " by ",
                  duration_text(std::chrono::abs(Duration(moved))));
     }},
    {"doubt.on", "refused",
     [](const Event& e) {
       return cat("the controller woke ", value_text(number_of(e.data, "late_ms").value_or(0)),
                  " ms late and decides nothing on old evidence");
     }},
    {"doubt.off", "drill", [](const Event&) { return std::string("evidence is fresh again"); }},
    {"agent.up", "seen", [](const Event& e) { return cat("agent of ", e.node, " answers"); }},
    {"agent.down", "seen",
     [](const Event& e) {
       return cat("agent of ", e.node, " is down", with(": ", text_of(e.data, "why")));
     }},
    {"agent.lacks", "seen",
     [](const Event& e) { return cat("agent of ", e.node, with(": ", text_of(e.data, "text"))); }},
    {"agent.overstepped", "seen",
     [](const Event& e) {
       const std::string text = text_of(e.data, "text");
       return cat("agent of ", e.node, " ",
                  text.empty() ? cat("spoke of ", text_of(e.data, "what"), ", not its own") : text,
                  ": not believed");
     }},
    {"agent.signals", "seen",
     [](const Event& e) {
       const auto takes = texts_of(e.data, "takes").size();
       const auto releases = texts_of(e.data, "releases").size();
       return cat("agent of ", e.node, ": ", takes, " signal(s) are its own from here on, ",
                  releases, " no more");
     }},
    {"catalog.changed", "drill",
     [](const Event& e) {
       return cat("other files were taken in: ", join(texts_of(e.data, "changes"), ", "));
     }},
    {"controller.started", "seen",
     [](const Event& e) {
       return cat("controller started",
                  flag_of(e.data, "after_crash").value_or(false) ? " after a crash" : "");
     }},
};

}  // namespace

std::optional<EventText> event_text(const Event& event) {
  if (event.kind == "effect.done" && text_of(event.data, "outcome") != "ok") {
    return EventText{
        "done", cat("effect ", text_of(event.data, "effect"), " ended ",
                    text_of(event.data, "outcome"), with(": ", text_of(event.data, "detail")))};
  }
  if (event.kind == "report.written") return std::nullopt;
  for (const Row& row : kRows) {
    if (row.kind == event.kind) return EventText{row.what, row.write(event)};
  }
  return std::nullopt;
}

}  // namespace panshi::controller
