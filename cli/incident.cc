// SPDX-License-Identifier: Apache-2.0
// panshi incident list | show | ack | close
#include "cli/exit_codes.h"
#include "cli/show.h"
#include "core/base/text.h"

namespace panshi::cli {
namespace {

int list(Invocation& invocation) {
  return show_list(invocation, "/api/v1/incidents", "incidents",
                   {{"incident", "id"},
                    {"state", "state"},
                    {"title", "title"},
                    {"rule", "rule"},
                    {"drill", "drill"},
                    {"opened (UTC)", "opened_us"}},
                   "no incidents");
}

int show(Invocation& invocation) {
  return with_controller(invocation, [](Invocation& i, Connection& controller) {
    const std::string id = i.text("incident");
    auto incident = controller.get("/api/v1/incidents/" + percent_encoded(id));
    if (!incident) return report_error(i, incident.error());
    if (i.json) return i.terminal.document(*incident), kPass;
    const nlohmann::json waits = list_of(*incident, "waits_for");
    incident->erase("waits_for");
    i.terminal.line(members_table(*incident));
    for (const nlohmann::json& wait : waits) {
      if (wait.is_string()) {
        i.terminal.line("waits until " + one_line(wait.get<std::string>()));
      }
    }
    if (!waits.empty()) {
      i.terminal.line(cat("`panshi incident close ", id, " --reason WHY` closes it as it is"));
    }
    return kPass;
  });
}

int ack(Invocation& invocation) {
  const std::string incident = invocation.text("incident");
  return act(invocation, cat("/api/v1/incidents/", percent_encoded(incident), "/ack"),
             {{"by", invocation.text("--by", "panshi")}},
             [&](const nlohmann::json&) { return cat("incident ", incident, " acknowledged"); });
}

int close(Invocation& invocation) {
  const std::string incident = invocation.text("incident");
  return act(invocation, cat("/api/v1/incidents/", percent_encoded(incident), "/close"),
             {{"by", invocation.text("--by", "panshi")}, {"reason", invocation.text("--reason")}},
             [&](const nlohmann::json&) {
               return cat("incident ", incident, " is closed; what still fires opens another");
             });
}

}  // namespace

std::vector<Command> incident_commands() {
  const Argument id = {"incident", "ID", "id of the incident", true};
  return {
      {"incident", "list", "List incidents, newest first.", "panshi incident list", {}, list},
      {"incident", "show", "Show one incident.", "panshi incident show i-3", {id}, show},
      {"incident",
       "ack",
       "Say that somebody has seen it.",
       "panshi incident ack i-3 --by night-shift",
       {id, {"--by", "WHO", "who has seen it"}},
       ack},
      {"incident",
       "close",
       "Close one that nothing else will close, with the reason.",
       "panshi incident close i-3 --reason 'the service is gone for good' --by night-shift",
       {id, {"--reason", "WHY", "goes into the journal", true}, {"--by", "WHO", "who closes it"}},
       close}};
}

}  // namespace panshi::cli
