// SPDX-License-Identifier: Apache-2.0
// panshi halt | resume
#include <chrono>
#include <thread>

#include "cli/connection.h"
#include "cli/exit_codes.h"
#include "cli/show.h"
#include "core/base/text.h"

namespace panshi::cli {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr std::int64_t kWithinSeconds = 15;  // longer than a controller waits for an agent's answer

std::string names_of(const Json& unconfirmed) {
  std::vector<std::string> names;
  for (const Json& each : unconfirmed) {
    names.push_back(cat(field(each, "node"), " (", field(each, "why"), ")"));
  }
  return join(names, ", ");
}

// The status once every agent has confirmed, or as it is when the time is over.
Result<Json> await_confirmed(Invocation& invocation, Connection& controller) {
  const auto until = std::chrono::steady_clock::now() +
                     std::chrono::seconds(invocation.integer("--within").value_or(kWithinSeconds));
  for (;;) {
    ASSIGN_OR_RETURN(Json status, controller.get("/api/v1/status"));
    const Json unconfirmed = list_of(status, "halt_unconfirmed");
    if (unconfirmed.empty() || std::chrono::steady_clock::now() >= until) return status;
    invocation.terminal.status(cat("halted; waiting for ", names_of(unconfirmed)));
    std::this_thread::sleep_for(100ms);
  }
}

int say_halted(Invocation& invocation, const Json& status) {
  const Json unconfirmed = list_of(status, "halt_unconfirmed");
  if (invocation.json) {
    invocation.terminal.document(
        {{"halted", field(status, "halted") == "true"}, {"unconfirmed", unconfirmed}});
  }
  if (field(status, "halted") != "true") {
    invocation.terminal.error("somebody has resumed meanwhile: the halt is over");
    return kUnknown;
  }
  if (unconfirmed.empty()) {
    if (!invocation.json) {
      invocation.terminal.line(
          "halted: every agent has confirmed that its faults are reverted; no new one is let in");
    }
    return kPass;
  }
  invocation.terminal.error(
      cat("halted, and no new fault is let in, but not confirmed: ", names_of(unconfirmed),
          ". The controller goes on asking; `panshi halt` waits again, "
          "`panshi fault list` shows what may be in force"));
  return kUnknown;
}

int halt(Invocation& invocation) {
  return with_controller(invocation, [](Invocation& i, Connection& controller) {
    const auto halted = controller.post("/api/v1/halt", {{"reason", i.text("--reason", "asked")}});
    if (!halted) return report_error(i, halted.error());
    const auto status = await_confirmed(i, controller);
    if (!status && status.error().code == ErrorCode::kRefused) {
      if (i.json) i.terminal.document({{"halted", true}, {"unconfirmed", nullptr}});
      i.terminal.error(
          "halted, and no new fault is let in; this token may not look (the right `read`), so "
          "whether every agent has confirmed is not known here");
      return kUnknown;
    }
    if (!status) return report_error(i, status.error());
    return say_halted(i, *status);
  });
}

int resume(Invocation& invocation) {
  return act(invocation, "/api/v1/resume", Json::object(), [](const Json&) { return "resumed"; });
}

}  // namespace

std::vector<Command> halt_commands() {
  return {{"halt",
           "",
           "Revert every fault everywhere and let no new one in until `resume`; exit 2 when an "
           "agent has not confirmed.",
           "panshi halt --reason \"big sale\"",
           {{"--reason", "TEXT", "goes into the journal"},
            {"--within", "N", "seconds to wait for the agents, 15 when left out", false, false, 0,
             600}},
           halt},
          {"resume", "", "Let faults in again after a halt.", "panshi resume", {}, resume}};
}

}  // namespace panshi::cli
