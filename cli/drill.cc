// SPDX-License-Identifier: Apache-2.0
// panshi drill run | list | show | abort
#include <filesystem>

#include "cli/abort_on_signal.h"
#include "cli/exit_codes.h"
#include "cli/follow.h"
#include "cli/show.h"
#include "cli/summary.h"
#include "cli/when_ready.h"
#include "core/base/text.h"
#include "core/io/signals.h"
#include "core/io/yaml.h"
#include "core/model/load.h"

namespace panshi::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// {"scenario": name} or, for a file, {"document": …} once the file is without a mistake.
Result<Json> request_of(const Invocation& invocation) {
  const std::string typed = invocation.text("scenario");
  std::error_code error;
  const bool is_file = fs::is_regular_file(typed, error);
  const bool looks_like_file =
      typed.find('/') != std::string::npos || typed.ends_with(".yaml") || typed.ends_with(".yml");
  Json request = Json::object();
  if (is_file) {
    const Validation checked = validate_files({typed}, nullptr);
    if (!checked.lines.empty()) return fail(ErrorCode::kInvalid, join(checked.lines, "\n"));
    ASSIGN_OR_RETURN(const Document document, load_yaml(typed));
    if (!document.root.contains("faults"))
      return fail(ErrorCode::kInvalid, typed + ": is no scenario");
    request["document"] = document.root;
  } else if (fs::is_directory(typed, error)) {
    return fail(ErrorCode::kInvalid, typed + " is a folder: give one scenario of it");
  } else if (looks_like_file) {
    return fail(ErrorCode::kNotFound, "there is no file " + typed);
  } else {
    request["scenario"] = typed;
  }
  if (const auto seed = invocation.integer("--seed")) request["seed"] = *seed;
  return request;
}

int finish(Invocation& invocation, const Followed& followed) {
  Terminal& terminal = invocation.terminal;
  print_summary(terminal, followed.drill);
  for (const std::string& file : followed.report_files) terminal.line("        " + one_line(file));
  if (invocation.json) terminal.document(followed.drill);
  return exit_code_of_drill(followed.drill);
}

// The request was sent and no answer came.
Error may_have_started(Error error) {
  if (error.code != ErrorCode::kTimeout) return error;
  error.message += "; a drill may have been started: `panshi drill list` tells";
  return error;
}

int run(Invocation& invocation) {
  const Result<Json> request = request_of(invocation);  // before anything else is asked or started
  if (!request) return report_error(invocation, request.error());
  prepare_signals(true);
  Result<Connection> controller = Connection::find(invocation);
  if (!controller) return report_error(invocation, controller.error());
  Result<Connection> for_abort = Connection::find(invocation);
  if (!for_abort) return report_error(invocation, for_abort.error());
  AbortOnSignal signals(*std::move(for_abort), invocation.json);
  const Result<Json> answer = post_when_ready(invocation, *controller, "/api/v1/drills", *request,
                                              WaitsFor::kClosedIncidents, signals.stop());
  if (!answer) {
    signals.over();
    const int code = report_error(invocation, may_have_started(answer.error()));
    return signals.stop() ? kInterrupted : code;
  }
  const std::string drill = field(*answer, "drill");
  signals.started(drill);
  invocation.terminal.line(
      cat("drill ", invocation.terminal.tone("strong", drill), ", seed ", field(*answer, "seed")));
  if (invocation.has("--no-follow")) {
    signals.over();
    if (invocation.json) invocation.terminal.document(*answer);
    return kPass;
  }
  const Result<Followed> followed =
      follow_drill(*controller, invocation.terminal, drill, signals.stop());
  signals.over();
  if (!followed) return report_error(invocation, followed.error());
  return finish(invocation, *followed);
}

int list(Invocation& invocation) {
  return show_list(invocation, "/api/v1/drills", "drills",
                   {{"drill", "id"},
                    {"scenario", "scenario"},
                    {"phase", "phase"},
                    {"verdict", "verdict"},
                    {"aborted", "aborted"},
                    {"seed", "seed"},
                    {"started (UTC)", "started_us"}},
                   "no drill has been run yet");
}

int show(Invocation& invocation) {
  return with_controller(invocation, [](Invocation& i, Connection& controller) {
    const auto drill = controller.get("/api/v1/drills/" + percent_encoded(i.text("drill")));
    if (!drill) return report_error(i, drill.error());
    if (i.json) {
      i.terminal.document(*drill);
    } else {
      print_summary(i.terminal, *drill);
    }
    return kPass;
  });
}

int abort(Invocation& invocation) {
  const std::string id = invocation.text("drill");
  return act(invocation, cat("/api/v1/drills/", percent_encoded(id), "/abort"),
             {{"reason", invocation.text("--reason", "asked")}},
             [&](const Json&) { return cat("drill ", id, " is being aborted"); });
}

}  // namespace

std::vector<Command> drill_commands() {
  const Argument id = {"drill", "ID", "id of the drill", true};
  return {{"drill",
           "run",
           "Run a scenario and follow it; the exit code is its verdict.",
           "panshi drill run cardkeys-hang --seed 42",
           {{"scenario", "SCENARIO", "a file, or the name of one that the controller knows", true},
            {"--seed", "N", "of every random choice (default: drawn)", false, false, 0},
            {"--wait", "N",
             "seconds to wait while an incident is open, a drill is under way or evidence is late",
             false, false, 0, 3'600},
            {"--no-follow", "", "start it and return"}},
           run},
          {"drill", "list", "List drills, newest first.", "panshi drill list", {}, list},
          {"drill", "show", "Show what a drill came to.", "panshi drill show d-1", {id}, show},
          {"drill",
           "abort",
           "Revert a drill's faults and end it.",
           "panshi drill abort d-1 --reason \"real trouble\"",
           {id, {"--reason", "TEXT", "goes into the journal"}},
           abort}};
}

}  // namespace panshi::cli
