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

int run(Invocation& invocation) {
  const std::string name = invocation.text("runbook");
  const bool dry = invocation.has("--dry-run");
  return act(invocation, cat("/api/v1/runbooks/", url_text(name), "/run"), {{"dry_run", dry}},
             [&](const nlohmann::json& answer) {
               const std::string id = field(answer, "run");
               return cat(dry ? "dry run of " : "", name, dry ? "" : " started",
                          id.empty() ? "" : ", run " + id);
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
