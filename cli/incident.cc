// SPDX-License-Identifier: Apache-2.0
// panshi incident list | show | ack | close
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
  return show_object(invocation, "/api/v1/incidents/" + url_text(invocation.text("incident")));
}

int ack(Invocation& invocation) {
  const std::string incident = invocation.text("incident");
  return act(invocation, cat("/api/v1/incidents/", url_text(incident), "/ack"),
             {{"by", invocation.text("--by", "panshi")}},
             [&](const nlohmann::json&) { return cat("incident ", incident, " acknowledged"); });
}

int close(Invocation& invocation) {
  const std::string incident = invocation.text("incident");
  return act(invocation, cat("/api/v1/incidents/", url_text(incident), "/close"),
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
