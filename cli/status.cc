// SPDX-License-Identifier: Apache-2.0
// panshi status
#include "cli/connection.h"
#include "cli/exit_codes.h"
#include "cli/show.h"
#include "core/base/text.h"

namespace panshi::cli {
namespace {

using Json = nlohmann::json;

// "i-3 waits until service r7 of n7 is well: it is given up"; the first few.
std::vector<std::string> waits_of(const Json& incident) {
  constexpr std::size_t kShown = 3;
  std::vector<std::string> lines;
  const Json waits = list_of(incident, "waits_for");
  for (const Json& wait : waits) {
    if (lines.size() == kShown) {
      lines.push_back(cat(field(incident, "id"), " waits for ", waits.size() - kShown,
                          " more: ", "`panshi incident show ", field(incident, "id"), "`"));
      break;
    }
    if (wait.is_string()) {
      lines.push_back(
          cat(field(incident, "id"), " waits until ", one_line(wait.get<std::string>())));
    }
  }
  return lines;
}

// What needs somebody, first; then the rest.
int show(Invocation& invocation, Connection& controller) {
  const Result<Json> status = controller.get("/api/v1/status");
  if (!status) return report_error(invocation, status.error());
  if (invocation.json) return invocation.terminal.document(*status), kPass;
  Terminal& terminal = invocation.terminal;
  std::vector<std::string> down;
  const Json agents = status->value("agents", Json::object());
  for (const auto& [node, agent] : agents.items()) {
    if (field(agent, "up") != "true") down.push_back(node);
  }
  const bool halted = field(*status, "halted") == "true";
  const std::string drill = field(*status, "drill");
  const std::string incidents = field(*status, "open_incidents");
  terminal.line(cat("controller  ", controller.url(), ", version ", field(*status, "version"),
                    ", epoch ", field(*status, "epoch")));
  terminal.line(cat("faults      ", halted ? cat("halted (", field(*status, "halt_reason"),
                                                 "): none is let in; `panshi resume` ends it")
                                           : "may be let in"));
  terminal.line(
      cat("agents      ", agents.size() - down.size(), " of ", agents.size(), " up",
          down.empty() ? "" : cat("; down: ", join(down, ", "), "; `panshi agent list` says why")));
  terminal.line(
      cat("drill       ", drill.empty() || drill == "null"
                              ? "none under way"
                              : cat(drill, "; `panshi drill show ", drill, "` shows it")));
  terminal.line(cat("incidents   ", incidents, " open",
                    incidents == "0" ? "" : "; `panshi incident list` shows them"));
  for (const Json& incident : list_of(*status, "incidents")) {
    for (const std::string& wait : waits_of(incident)) terminal.line("            " + wait);
  }
  for (const Json& day : list_of(*status, "missed_days")) {
    terminal.line(cat("drill days  ", field(day, "drill_day"), " missed ",
                      time_field(day, "due_us"), " (UTC): ", field(day, "why")));
  }
  std::vector<std::string> insecure;
  for (const Json& one : list_of(*status, "insecure")) {
    if (one.is_string()) insecure.push_back(one_line(one.get<std::string>()));
  }
  if (!insecure.empty()) {
    terminal.line(cat("insecure    ", join(insecure, ", "),
                      ": served beyond this host without TLS; `panshi tls init` is how to begin"));
  }
  if (field(*status, "doubt") == "true") {
    terminal.line(
        "doubt       the controller was late a moment ago: it starts nothing until it "
        "has been on time for some seconds");
  }
  return kPass;
}

}  // namespace

std::vector<Command> status_commands() {
  return {{"status",
           "",
           "Whether faults are let in, which agents are down, what is under way and open.",
           "panshi status",
           {},
           [](Invocation& invocation) { return with_controller(invocation, show); }}};
}

}  // namespace panshi::cli
