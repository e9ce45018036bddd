// SPDX-License-Identifier: Apache-2.0
// panshi reload
#include "cli/exit_codes.h"
#include "cli/show.h"
#include "core/base/text.h"

namespace panshi::cli {
namespace {

int reload(Invocation& invocation) {
  return with_controller(invocation, [](Invocation& i, Connection& controller) {
    const auto answer = controller.post("/api/v1/reload", nlohmann::json::object());
    if (!answer) return report_error(i, answer.error());
    if (i.json) i.terminal.document(*answer);
    for (const std::string& key : texts_of(*answer, "needs_restart")) {
      i.terminal.error(cat("`", one_line(key), "` is taken in by a restart alone"));
    }
    if (i.json) return kPass;
    const std::vector<std::string> changes = texts_of(*answer, "changes");
    for (const std::string& change : changes) i.terminal.line(one_line(change));
    i.terminal.line(changes.empty() ? "nothing has changed"
                                    : cat("reloaded: ", changes.size(), " taken in"));
    return kPass;
  });
}

}  // namespace

std::vector<Command> reload_commands() {
  return {{"reload",
           "",
           "Take in changed scenarios, rules, runbooks, schedules and nodes: all of them, or none.",
           "panshi reload",
           {},
           reload}};
}

}  // namespace panshi::cli
