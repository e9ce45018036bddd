// SPDX-License-Identifier: Apache-2.0
#include "cli/outcome.h"

#include <chrono>

#include "cli/exit_codes.h"
#include "cli/show.h"
#include "core/base/text.h"

namespace panshi::cli {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr auto kOutcomeWithin = 20s;

// Data of the effect's `effect.done`, or nothing in it when that did not come.
Result<Json> await_outcome(Connection& controller, const std::string& effect, std::string after) {
  const auto until = std::chrono::steady_clock::now() + kOutcomeWithin;
  while (std::chrono::steady_clock::now() < until) {
    ASSIGN_OR_RETURN(const Json page,
                     controller.get(cat("/api/v1/events?after=", after, "&wait_ms=1000")));
    for (const Json& event : list_of(page, "events")) {
      if (field(event, "kind") == "effect.done" && field(event, "data.effect") == effect) {
        return event.at("data");
      }
    }
    after = field(page, "next");
  }
  return Json::object();
}

// The agent that never got it is down by the controller's books when the outcome is told.
bool is_reachable(Connection& controller, const std::string& node) {
  const auto agent = controller.get("/api/v1/agents/" + percent_encoded(node));
  return !agent || field(*agent, "up") != "false";
}

int say(Invocation& i, Connection& controller, const std::string& node, const Json& outcome) {
  const std::string word = field(outcome, "outcome");
  const std::string detail = field(outcome, "detail");
  const std::string why = detail.empty() ? "" : ": " + detail;
  if (word == "failed" && is_reachable(controller, node)) {
    i.terminal.error(cat("agent ", node, " did not do it", why));
    return kFail;
  }
  if (word == "failed") {
    i.terminal.error(cat("agent ", node, " was not reached, nothing was done", why));
    return kUnreachable;
  }
  i.terminal.error(cat("nobody knows whether agent ", node, " did it", why,
                       "; `panshi link list` shows how its links are"));
  return kUnknown;
}

}  // namespace

int order(Invocation& invocation, const std::string& path, const Json& body,
          const std::function<std::string()>& said) {
  Result<Connection> controller = Connection::find(invocation);
  if (!controller) return report_error(invocation, controller.error());
  const Result<Json> before = controller->get("/api/v1/status");
  if (!before) return report_error(invocation, before.error());
  const Result<Json> answer = controller->post(path, body);
  if (!answer) return report_error(invocation, answer.error());
  const std::string effect = field(*answer, "effect");
  const Result<Json> outcome = await_outcome(*controller, effect, field(*before, "journal_seq"));
  if (!outcome) return report_error(invocation, outcome.error());
  if (invocation.json) {
    invocation.terminal.document({{"effect", effect},
                                  {"outcome", outcome->value("outcome", Json())},
                                  {"detail", field(*outcome, "detail")}});
  }
  if (field(*outcome, "outcome") != "ok") {
    return say(invocation, *controller, body.at("node").get<std::string>(), *outcome);
  }
  if (!invocation.json) invocation.terminal.line(said());
  return kPass;
}

}  // namespace panshi::cli
