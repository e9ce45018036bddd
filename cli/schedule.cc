// SPDX-License-Identifier: Apache-2.0
// panshi schedule list | show | draw
#include "cli/exit_codes.h"
#include "cli/show.h"
#include "core/base/text.h"
#include "core/model/check.h"

namespace panshi::cli {
namespace {

// "missed 2026-11-25 10:00:00: an incident is open"; since the last run.
std::string not_run(const nlohmann::json& day) {
  if (const std::string held = field(day, "held"); !held.empty()) return "waits: " + held;
  if (field(day, "missed").empty()) return {};
  return cat("missed ", time_field(day["missed"], "due_us"), ": ", field(day, "missed.why"));
}

int list(Invocation& invocation) {
  return show_list(invocation, "/api/v1/schedule", "drill_days",
                   {{"drill day", "name"},
                    {"zone", "zone"},
                    {"enabled", "enabled"},
                    {"next (UTC)", "next_due_us"},
                    {"draws from", "scenarios"},
                    {"not run", "", &not_run}},
                   "no drill days");
}

int show(Invocation& invocation) {
  return with_controller(invocation, [](Invocation& i, Connection& controller) {
    const auto answer = controller.get("/api/v1/schedule");
    if (!answer) return report_error(i, answer.error());
    std::vector<std::string> names;
    for (const nlohmann::json& day : list_of(*answer, "drill_days")) {
      names.push_back(field(day, "name"));
      if (names.back() != i.text("day")) continue;
      if (i.json) {
        i.terminal.document(day);
        return kPass;
      }
      i.terminal.line(members_table(day));
      return kPass;
    }
    return report_error(i, {ErrorCode::kNotFound, unknown_name("drill day", i.text("day"), names)});
  });
}

int show_draw(Invocation& invocation, const std::string& day) {
  return show_object(invocation, cat("/api/v1/schedule/draw?day=", percent_encoded(day),
                                     "&seed=", invocation.integer("--seed").value_or(0)));
}

// Which day goes without saying where there is only one.
int draw(Invocation& invocation) {
  if (!invocation.text("--day").empty()) return show_draw(invocation, invocation.text("--day"));
  return with_controller(invocation, [](Invocation& i, Connection& controller) {
    const auto answer = controller.get("/api/v1/schedule");
    if (!answer) return report_error(i, answer.error());
    const auto& days = list_of(*answer, "drill_days");
    if (days.size() == 1) return show_draw(i, field(days[0], "name"));
    std::vector<std::string> names;
    for (const nlohmann::json& day : days) names.push_back(field(day, "name"));
    if (names.empty()) return report_error(i, {ErrorCode::kNotFound, "there are no drill days"});
    return report_error(
        i, {ErrorCode::kInvalid, cat("say which with --day; drill days: ", join(names, ", "))});
  });
}

}  // namespace

std::vector<Command> schedule_commands() {
  return {{"schedule",
           "list",
           "List the drill days and when each is next due.",
           "panshi schedule list",
           {},
           list},
          {"schedule",
           "show",
           "Show one drill day.",
           "panshi schedule show wednesday",
           {{"day", "NAME", "name of the drill day", true}},
           show},
          {"schedule",
           "draw",
           "Show what a seed would pick; nothing is started.",
           "panshi schedule draw --seed 42",
           {{"--day", "NAME", "name of the drill day (default: the only one)", false},
            {"--seed", "N", "the seed", true, false, 0}},
           draw}};
}

}  // namespace panshi::cli
