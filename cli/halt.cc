// SPDX-License-Identifier: Apache-2.0
// panshi halt | resume
#include "cli/connection.h"
#include "cli/exit_codes.h"

namespace panshi::cli {
namespace {

int pull(Invocation& invocation, Connection& controller, const char* path, const char* said) {
  nlohmann::json body = nlohmann::json::object();
  if (path == std::string_view("/api/v1/halt"))
    body["reason"] = invocation.text("--reason", "asked");
  const Result<nlohmann::json> answer = controller.post(path, body);
  if (!answer) return report_error(invocation, answer.error());
  if (invocation.json) {
    invocation.terminal.document(*answer);
  } else {
    invocation.terminal.line(said);
  }
  return kPass;
}

int halt(Invocation& invocation) {
  return with_controller(invocation, [](Invocation& i, Connection& c) {
    return pull(i, c, "/api/v1/halt",
                "halted: every fault is being reverted, no new one is let in");
  });
}

int resume(Invocation& invocation) {
  return with_controller(invocation, [](Invocation& i, Connection& c) {
    return pull(i, c, "/api/v1/resume", "resumed");
  });
}

}  // namespace

std::vector<Command> halt_commands() {
  return {{"halt",
           "",
           "Revert every fault everywhere and let no new one in until `resume`.",
           "panshi halt --reason \"big sale\"",
           {{"--reason", "TEXT", "goes into the journal"}},
           halt},
          {"resume", "", "Let faults in again after a halt.", "panshi resume", {}, resume}};
}

}  // namespace panshi::cli
