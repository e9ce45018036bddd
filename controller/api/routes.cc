// SPDX-License-Identifier: Apache-2.0
// The table of routes, and the ones that change something.
#include "controller/api/api.h"
#include "controller/api/query.h"
#include "controller/limits.h"
#include "core/access/access.h"
#include "core/base/text.h"
#include "core/io/http_guard.h"
#include "core/io/secret.h"
#include "core/json/fields.h"

namespace panshi::controller {

void Api::add_routes(HttpServer& server) {
  server.route_open("GET", "/healthz", [](const Request&) {
    return json_response({{"ok", true}});
  });
  add_reading_routes(server);
  add_changing_routes(server);
  add_admin_routes(server);
  server.route("GET", "/api/v1/routes",
               [&server](const Request&) { return json_response(routes_json(server)); }, {kRead});
}

void Api::add_reading_routes(HttpServer& server) {
  get(server, "/api/v1/status", &Api::status);
  get(server, "/api/v1/events", &Api::events);
  get(server, "/api/v1/signals", &Api::signals);
  get(server, "/api/v1/signals/{signal}", &Api::samples);
  get(server, "/api/v1/drills", &Api::drills);
  get(server, "/api/v1/drills/{id}", &Api::drill);
  get(server, "/api/v1/schedule", &Api::schedule);
  get(server, "/api/v1/schedule/draw", &Api::schedule_draw);
  get(server, "/api/v1/agents", &Api::agents);
  get(server, "/api/v1/agents/{node}", &Api::agent);
  get(server, "/api/v1/faults", &Api::faults);
  get(server, "/api/v1/fsck/{node}", &Api::fsck);
  get(server, "/api/v1/fault-kinds", &Api::fault_kinds);
  get(server, "/api/v1/processes/{node}", &Api::processes);
  get(server, "/api/v1/links", &Api::links);
  get(server, "/api/v1/incidents", &Api::incidents);
  get(server, "/api/v1/incidents/{id}", &Api::incident);
  get(server, "/api/v1/runs", &Api::runs);
  get(server, "/api/v1/runs/{id}", &Api::run);
  get(server, "/api/v1/rules", &Api::rules);
  get(server, "/api/v1/runbooks", &Api::runbooks);
  get(server, "/api/v1/catalog", &Api::catalog);
  server.route("GET", "/api/v1/reports/{drill}",
               [this](const Request& request) {
                 const std::string format = query_text(request, "format");
                 auto report =
                     parts_.report(request.captures.at(0), format.empty() ? "json" : format);
                 return report ? *std::move(report) : error_response(report.error());
               },
               {kRead});
}

void Api::add_admin_routes(HttpServer& server) {
  get(server, "/api/v1/tokens", &Api::tokens, kAdmin);
  get(server, "/api/v1/audit", &Api::audit, kAdmin);
  server.route("POST", "/api/v1/tokens",
               [this](const Request& request) {
                 const auto json = make_token(request);
                 if (!json) return error_response(json.error());
                 HttpResponse made = json_response(*json, 201);
                 made.tells_secret = true;
                 return made;
               },
               {kAdmin});
  server.route("POST", "/api/v1/tokens/{name}/revoke",
               [this](const Request& request) {
                 const auto json = revoke_token(request);
                 return json ? json_response(*json) : error_response(json.error());
               },
               {kAdmin});
}

void Api::add_changing_routes(HttpServer& server) {
  post(server, "/api/v1/drills", {.verb = "drill.run", .rights = kOperate, .status = 201});
  post(server, "/api/v1/drills/{id}/abort",
       {.verb = "drill.abort", .rights = kOperate, .capture = "drill"});
  post(server, "/api/v1/halt", {.verb = "halt", .rights = kHalt});
  post(server, "/api/v1/resume", {.verb = "resume", .rights = kOperate});
  post(server, "/api/v1/faults", {.verb = "fault.apply", .rights = kInject, .status = 201});
  post(server, "/api/v1/faults/{id}/revert",
       {.verb = "fault.revert", .rights = kRevert, .capture = "fault"});
  post(server, "/api/v1/faults/{id}/close",
       {.verb = "fault.close", .rights = kRevert, .capture = "fault"});
  post(server, "/api/v1/nodes/{node}/faults/close",
       {.verb = "fault.close-all", .rights = kRevert, .capture = "node"});
  server.route("POST", "/api/v1/fsck/{node}/clear",
               [this](const Request& request) {
                 const auto cleared = clear_leftovers(request);
                 return cleared ? json_response(*cleared) : error_response(cleared.error());
               },
               {kRevert});
  server.route("POST", "/api/v1/reload",
               [this](const Request&) {
                 const auto reloaded = parts_.reload();
                 return reloaded ? json_response(*reloaded) : error_response(reloaded.error());
               },
               {kReload});
  post(server, "/api/v1/links/reroute", {.verb = "link.reroute", .rights = kOperate});
  post(server, "/api/v1/links/drain", {.verb = "link.drain", .rights = kOperate});
  post(server, "/api/v1/links/undrain", {.verb = "link.undrain", .rights = kOperate});
  post(server, "/api/v1/links/weights", {.verb = "link.weights", .rights = kOperate});
  post(server, "/api/v1/incidents/{id}/ack",
       {.verb = "incident.ack", .rights = kOperate, .capture = "incident"});
  post(server, "/api/v1/incidents/{id}/close",
       {.verb = "incident.close", .rights = kOperate, .capture = "incident"});
  post(server, "/api/v1/runbooks/{name}/run",
       {.verb = "runbook.run", .rights = kOperate, .capture = "runbook"});
}

void Api::get(HttpServer& server, const char* pattern, Answer (Api::*answer)(const Request&),
              Rights rights) {
  server.route("GET", pattern,
               [this, answer](const Request& request) {
                 const auto json = (this->*answer)(request);
                 return json ? json_response(*json) : error_response(json.error());
               },
               {rights});
}

void Api::post(HttpServer& server, const char* pattern, Verb verb) {
  server.route("POST", pattern,
               [this, verb](const Request& request) { return command(verb, request); },
               {verb.rights});
}

HttpResponse Api::command(const Verb& verb, const Request& request) {
  Command command{.verb = verb.verb};
  if (!request.body.empty()) {
    auto body = parse_json(request.body, limits::kBodyMax);
    if (!body) return error_response(body.error());
    if (!body->is_object()) {
      return error_response({ErrorCode::kInvalid, "the body must be a JSON object"});
    }
    command.body = json_without_secrets(*body);  // before it is journaled
  }
  for (const char* said : {"reason", "by"}) {
    const auto text = command.body.find(said);
    if (text == command.body.end() || !text->is_string()) continue;
    if (text->get_ref<const std::string&>().size() <= limits::kReasonMax) continue;
    return error_response(
        {ErrorCode::kInvalid, cat(said, " must be at most ", limits::kReasonMax, " bytes")});
  }
  // A scenario that stands in no catalogue is the author's.
  if (command.body.contains("document") && (request.caller.rights & kInject) == 0) {
    return http_refusal(403, ErrorCode::kRefused,
                        cat("a scenario from a file wants the right `inject`, which these roles "
                            "have: ",
                            roles_with(kInject)));
  }
  if (verb.capture) {
    const std::string& id = request.captures.at(0);
    if (command.body.contains(verb.capture) && command.body[verb.capture] != id) {
      return error_response(
          {ErrorCode::kInvalid, cat(verb.capture, " of the body is not that of the path")});
    }
    command.body[verb.capture] = id;
  }
  auto reply = std::make_shared<Reply>();
  if (!parts_.letters.put({.input = std::move(command), .cursor = {}, .reply = reply})) {
    return error_response({ErrorCode::kUnavailable, "the controller is stopping or too busy"});
  }
  const auto answer = reply->wait(limits::kCommandWait);
  return answer ? json_response(*answer, verb.status) : error_response(answer.error());
}

}  // namespace panshi::controller
