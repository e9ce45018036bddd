// SPDX-License-Identifier: Apache-2.0
#include "cli/summary.h"

#include <array>
#include <cstdio>

#include "cli/exit_codes.h"
#include "cli/show.h"
#include "core/base/text.h"

namespace panshi::cli {
namespace {

using Json = nlohmann::json;
using Rows = std::vector<std::vector<std::string>>;

std::string indented(const std::string& text) { return "  " + join(split(text, '\n'), "\n  "); }

std::string ms(const Json& phase) {
  if (!phase.is_object() || !phase.contains("since_in_force_ms") ||
      !phase["since_in_force_ms"].is_number()) {
    return "–";
  }
  char text[32];
  std::snprintf(text, sizeof text, "%10.1f", phase["since_in_force_ms"].get<double>());
  return text;
}

void print_phases(Terminal& terminal, const Json& drill) {
  Rows rows = {{"phase", "ms since in force", ""}};
  for (const Json& phase : list_of(drill.value("phases", Json::array()), "phases")) {
    rows.push_back({field(phase, "name"), ms(phase), field(phase, "missing")});
  }
  if (rows.size() > 1) terminal.line("\n" + indented(table(rows)));
}

std::string ids_of(const Json& audit, const std::string& name) {
  if (!audit.contains("ids") || !audit["ids"].is_object()) return {};
  std::vector<std::string> ids;
  for (const Json& id : list_of(audit["ids"], name.c_str())) {
    if (id.is_string()) ids.push_back(one_line(id.get<std::string>()));
  }
  const std::size_t all = ids.size();
  if (all > 5) ids.resize(5);
  return join(ids, ", ") + (all > 5 ? cat(" and ", all - 5, " more") : "");
}

void print_ledger(Terminal& terminal, const Json& drill) {
  const Json audit = drill.value("audit", Json());
  if (!audit.is_object() || audit.empty()) {
    terminal.line("\n  ledger: not audited");
    return;
  }
  constexpr std::array kNames = {"attempted", "acknowledged", "indeterminate", "ok",
                                 "recovered", "lost",         "duplicated",    "unexpected",
                                 "oversold",  "undelivered",  "mischarged"};
  const std::string verdict = field(audit, "verdict");
  const char* tone = verdict == "valid" ? "good" : verdict == "invalid" ? "bad" : "unsure";
  terminal.line(cat("\n  ledger ", terminal.tone(tone, verdict)));
  Rows rows;
  const auto add = [&](const std::string& name, std::string count) {
    if (count.empty()) return;
    count.insert(0, count.size() < 8 ? 8 - count.size() : 0, ' ');
    rows.push_back({one_line(name), count, ids_of(audit, name)});
  };
  const Json counts = list_of(audit, "counts");
  for (const Json& one : counts) add(field(one, "name"), field(one, "value"));
  if (counts.empty()) {
    for (const char* name : kNames) add(name, field(audit, name));
  }
  terminal.line(indented(table(rows)));
  for (const Json& why : list_of(audit, "why")) {
    if (why.is_string()) terminal.line("  " + one_line(why.get<std::string>()));
  }
  for (const Json& what : list_of(audit, "not_checked")) {
    if (what.is_string()) terminal.line("  not checked: " + one_line(what.get<std::string>()));
  }
}

void print_expectations(Terminal& terminal, const Json& drill) {
  for (const Json& one : list_of(drill, "expectations")) {
    const std::string ok = field(one, "ok");
    const char* word = ok == "true" ? "met" : ok == "false" ? "not met" : "unknown";
    const char* tone = ok == "true" ? "good" : ok == "false" ? "bad" : "unsure";
    const std::string observed = field(one, "observed");
    terminal.line(cat("  ", terminal.tone(tone, word), "  ", field(one, "text"),
                      observed.empty() ? "" : " (observed " + observed + ")"));
  }
}

}  // namespace

int exit_code_of_drill(const Json& drill) {
  if (field(drill, "aborted") == "true") return kAborted;
  const std::string verdict = field(drill, "verdict");
  return verdict == "pass" ? kPass : verdict == "fail" ? kFail : kUnknown;
}

void print_summary(Terminal& terminal, const Json& drill) {
  const std::string id = field(drill, "id");
  const std::string verdict = field(drill, "verdict");
  const char* tone = verdict == "pass" ? "good" : verdict == "fail" ? "bad" : "unsure";
  std::string title = field(drill, "title");
  if (title.empty()) title = field(drill, "scenario");
  terminal.line(
      cat("\n", terminal.tone("strong", title), "  drill ", id, ", seed ", field(drill, "seed")));
  terminal.line(
      cat("verdict ",
          terminal.tone(tone, verdict.empty() ? "none yet, " + field(drill, "phase") : verdict),
          field(drill, "aborted") == "true" ? ", aborted" : ""));
  for (const Json& why : list_of(drill, "why")) {
    if (why.is_string()) terminal.line("  " + one_line(why.get<std::string>()));
  }
  print_expectations(terminal, drill);
  print_phases(terminal, drill);
  print_ledger(terminal, drill);
  terminal.line(cat("\nreport: panshi report ", id, " --format html --out ", id, ".html"));
}

std::string upstreams_text(const nlohmann::json& link) {
  const bool drawn = field(link, "upstream") == "by weight";
  std::vector<std::string> parts;
  for (const nlohmann::json& upstream : list_of(link, "upstreams")) {
    std::string part = field(upstream, "name");
    if (drawn) part += cat(" x", field(upstream, "weight"));
    const std::string health = field(upstream, "health");
    if (!health.empty() && health != "unknown") part += cat(" ", health);
    if (field(upstream, "drained") == "true") part += " drained";
    parts.push_back(cat(part, " ", field(upstream, "connections")));
  }
  return join(parts, ", ");
}

}  // namespace panshi::cli
