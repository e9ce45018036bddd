// SPDX-License-Identifier: Apache-2.0
// panshi agent list | show
#include "cli/exit_codes.h"
#include "cli/show.h"
#include "core/base/text.h"

namespace panshi::cli {
namespace {

// Why it is down, or what the inventory expects of it in vain.
std::string wrong_with(const nlohmann::json& agent) {
  std::string text = field(agent, "why");
  for (const char* what : {"services", "links"}) {
    const std::string missing = field(agent, cat("lacks.", what));
    if (!missing.empty()) text += cat(text.empty() ? "" : "; ", "lacks ", what, " ", missing);
  }
  return text;
}

int list(Invocation& invocation) {
  return show_list(invocation, "/api/v1/agents", "agents",
                   {{"node", "node"},
                    {"up", "up"},
                    {"url", "url"},
                    {"start", "start_id"},
                    {"what is wrong", "", &wrong_with}},
                   "no agents are configured");
}

void print(Terminal& terminal, const nlohmann::json& agent) {
  const std::string wrong = wrong_with(agent);
  terminal.line(cat("node ", field(agent, "node"), ", ", field(agent, "url"), ", ",
                    field(agent, "up") == "true" ? "up" : "down",
                    wrong.empty() ? "" : ": " + wrong));
  std::vector<std::vector<std::string>> rows = {
      {"service", "state", "since (UTC)", "mark", "pid", "restarts"}};
  for (const nlohmann::json& service : list_of(agent, "services")) {
    rows.push_back({field(service, "name"), field(service, "state"),
                    time_field(service, "since_us"), field(service, "mark"), field(service, "pid"),
                    field(service, "restarts")});
  }
  terminal.line(table(rows));
}

int show(Invocation& invocation) {
  return with_controller(invocation, [](Invocation& i, Connection& controller) {
    const auto agent = controller.get("/api/v1/agents/" + percent_encoded(i.text("node")));
    if (!agent) return report_error(i, agent.error());
    if (i.json) {
      i.terminal.document(*agent);
    } else {
      print(i.terminal, *agent);
    }
    return kPass;
  });
}

}  // namespace

std::vector<Command> agent_commands() {
  return {{"agent",
           "list",
           "List the nodes, whether their agents answer, and if not, why.",
           "panshi agent list",
           {},
           list},
          {"agent",
           "show",
           "Show one node's services.",
           "panshi agent show keys-1",
           {{"node", "NODE", "name of the node", true}},
           show}};
}

}  // namespace panshi::cli
