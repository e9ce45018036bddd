// SPDX-License-Identifier: Apache-2.0
// panshi runbook list | run
#include "cli/exit_codes.h"
#include "cli/show.h"
#include "core/base/text.h"

namespace panshi::cli {
namespace {

int list(Invocation& invocation) {
  return show_list(invocation, "/api/v1/runbooks", "runbooks",
                   {{"runbook", "name"}, {"title", "title"}, {"triggered by", "breach"}},
                   "no runbooks");
}

std::string path_of(const Invocation& invocation) {
  return cat("/api/v1/runbooks/", url_text(invocation.text("runbook")), "/run");
}

// What each step would do.
int rehearse(Invocation& invocation) {
  return with_controller(invocation, [](Invocation& i, Connection& controller) {
    const auto answer = controller.post(path_of(i), {{"dry_run", true}});
    if (!answer) return report_error(i, answer.error());
    const auto run = controller.get("/api/v1/runs/" + url_text(field(*answer, "run")));
    if (!run) return report_error(i, run.error());
    std::vector<std::vector<std::string>> rows = {{"step", "kind", "what"}};
    for (const nlohmann::json& step : list_of(*run, "steps")) {
      rows.push_back({field(step, "name"), field(step, "kind"), field(step, "detail")});
    }
    if (i.json) {
      i.terminal.document(*run);
    } else {
      i.terminal.line(table(rows));
    }
    return kPass;
  });
}

int run(Invocation& invocation) {
  if (invocation.has("--dry-run")) return rehearse(invocation);
  return act(invocation, path_of(invocation), {{"dry_run", false}},
             [&](const nlohmann::json& answer) {
               return cat(invocation.text("runbook"), " started, run ", field(answer, "run"));
             });
}

}  // namespace

std::vector<Command> runbook_commands() {
  return {{"runbook", "list", "List the runbooks.", "panshi runbook list", {}, list},
          {"runbook",
           "run",
           "Run a runbook by hand; its guards hold all the same.",
           "panshi runbook run cardkeys-failover --dry-run",
           {{"runbook", "NAME", "name of the runbook", true},
            {"--dry-run", "", "say what would be done, and do nothing"}},
           run}};
}

}  // namespace panshi::cli
