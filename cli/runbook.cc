// SPDX-License-Identifier: Apache-2.0
// panshi runbook list | run | runs | show
#include <chrono>
#include <thread>

#include "cli/exit_codes.h"
#include "cli/show.h"
#include "core/base/text.h"

namespace panshi::cli {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

int list(Invocation& invocation) {
  return show_list(invocation, "/api/v1/runbooks", "runbooks",
                   {{"runbook", "name"}, {"title", "title"}, {"triggered by", "breach"}},
                   "no runbooks");
}

std::string path_of(const Invocation& invocation) {
  return cat("/api/v1/runbooks/", percent_encoded(invocation.text("runbook")), "/run");
}

Result<Json> run_of(Connection& controller, const std::string& id) {
  return controller.get("/api/v1/runs/" + percent_encoded(id));
}

// What each step would do.
int rehearse(Invocation& i, Connection& controller, const std::string& id) {
  const auto run = run_of(controller, id);
  if (!run) return report_error(i, run.error());
  if (i.json) return i.terminal.document(*run), kPass;
  std::vector<std::vector<std::string>> rows = {{"step", "kind", "what"}};
  for (const Json& step : list_of(*run, "steps")) {
    rows.push_back({field(step, "name"), field(step, "kind"), field(step, "detail")});
  }
  i.terminal.line(table(rows));
  return kPass;
}

// One line a try: a step that is tried again has several.
void print(Terminal& terminal, const Json& run) {
  const std::string outcome = field(run, "outcome");
  terminal.line(cat("run ", field(run, "id"), " of ", field(run, "runbook"), ": ",
                    outcome.empty() ? "under way" : outcome, ", started ",
                    time_field(run, "started_us"), " (UTC)"));
  if (const std::string why = field(run, "why"); !why.empty()) terminal.line("  " + why);
  std::vector<std::vector<std::string>> rows = {{"step", "kind", "try", "outcome", "detail"}};
  for (const Json& step : list_of(run, "steps")) {
    const std::string ended = field(step, "outcome");
    rows.push_back({field(step, "name"), field(step, "kind"), field(step, "attempt"),
                    ended.empty() ? "under way" : ended, field(step, "detail")});
  }
  terminal.line(table(rows));
}

int exit_code_of_run(const Json& run) {
  const std::string outcome = field(run, "outcome");
  return outcome == "ok" ? kPass : outcome == "failed" ? kFail : kUnknown;
}

int await_end(Invocation& i, Connection& controller, const std::string& id, std::int64_t seconds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  Result<Json> run = run_of(controller, id);
  while (run && field(*run, "outcome").empty() && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(100ms);
    run = run_of(controller, id);
  }
  if (!run) return report_error(i, run.error());
  if (i.json) {
    i.terminal.document(*run);
  } else {
    print(i.terminal, *run);
  }
  if (field(*run, "outcome").empty()) {
    i.terminal.error(cat("run ", id, " goes on; `panshi runbook show ", id, "` tells its outcome"));
  }
  return exit_code_of_run(*run);
}

int run(Invocation& invocation) {
  return with_controller(invocation, [](Invocation& i, Connection& controller) {
    const bool dry = i.has("--dry-run");
    const auto answer = controller.post(path_of(i), {{"dry_run", dry}});
    if (!answer) return report_error(i, answer.error());
    const std::string id = field(*answer, "run");
    if (dry) return rehearse(i, controller, id);
    if (const auto wait = i.integer("--wait")) return await_end(i, controller, id, *wait);
    if (i.json) return i.terminal.document(*answer), kPass;
    i.terminal.line(cat(i.text("runbook"), " started, run ", id, "; `panshi runbook show ", id,
                        "` tells its outcome"));
    return kPass;
  });
}

int runs(Invocation& invocation) {
  return show_list(invocation, "/api/v1/runs", "runs",
                   {{"run", "id"},
                    {"runbook", "runbook"},
                    {"outcome", "outcome"},
                    {"dry", "dry_run"},
                    {"incident", "incident"},
                    {"drill", "drill"},
                    {"started (UTC)", "started_us"},
                    {"why", "why"}},
                   "no runbook has been run yet");
}

int show(Invocation& invocation) {
  return with_controller(invocation, [](Invocation& i, Connection& controller) {
    const auto run = run_of(controller, i.text("run"));
    if (!run) return report_error(i, run.error());
    if (i.json) return i.terminal.document(*run), kPass;
    print(i.terminal, *run);
    return kPass;
  });
}

}  // namespace

std::vector<Command> runbook_commands() {
  return {
      {"runbook", "list", "List the runbooks.", "panshi runbook list", {}, list},
      {"runbook",
       "run",
       "Run a runbook by hand; its guards hold all the same.",
       "panshi runbook run cardkeys-failover --dry-run",
       {{"runbook", "NAME", "name of the runbook", true},
        {"--dry-run", "", "say what would be done, and do nothing"},
        {"--wait", "N", "seconds to wait for its end; then exit 0, 1 (failed) or 2 (unknown)",
         false, false, 0, 3'600}},
       run},
      {"runbook", "runs", "List runs of runbooks, newest first.", "panshi runbook runs", {}, runs},
      {"runbook",
       "show",
       "Show one run: its outcome and what became of each step.",
       "panshi runbook show r-5",
       {{"run", "ID", "id of the run", true}},
       show}};
}

}  // namespace panshi::cli
