// SPDX-License-Identifier: Apache-2.0
// Promise: each role may do what the table of docs/reference/access.md says, on every route, and
// nothing else; whatever is changed and whoever is refused stands in the audit log.
#include <algorithm>
#include <catch2/catch.hpp>
#include <regex>

#include "core/access/rights.h"
#include "tests/integration/controller/running.h"

namespace panshi::controller {
namespace {

using Json = nlohmann::json;

Json routes_of(const Running& controller) {
  return controller.call("GET", "/api/v1/routes").at("routes");
}

// A path that the route takes, and that names nothing.
std::string path_of(const Json& route) {
  return std::regex_replace(route.at("path").get<std::string>(), std::regex("\\{[^}]*\\}"), "none");
}

std::string token_for(const Running& controller, const std::string& role) {
  const Json made =
      controller.call("POST", "/api/v1/tokens", dump_json({{"name", "t-" + role}, {"role", role}}));
  return made.at("token").get<std::string>();
}

std::vector<Json> audit_after(const Running& controller, std::int64_t after) {
  std::vector<Json> lines;
  const Json answer = controller.call("GET", cat("/api/v1/audit?after=", after));
  for (const Json& line : answer.at("lines")) {
    lines.push_back(parse_json(line.get<std::string>()).value());
  }
  return lines;
}

std::int64_t last_line(const Running& controller) {
  const auto lines = audit_after(controller, 0);
  return lines.empty() ? 0 : lines.back().at("n").get<std::int64_t>();
}

TEST_CASE("every role may do on every route what the reference says, and nothing else") {
  const TemporaryFolder folder;
  const FakeAgent agent("keys-1", folder.path());
  const Running controller(folder, agent);
  REQUIRE(controller.sees("agent.up"));
  const Json routes = routes_of(controller);
  REQUIRE(routes.size() > 40);
  std::string table;
  for (const Json& route : routes) {
    const std::vector<std::string> names = route.at("rights");
    REQUIRE(names.size() == 1);  // one route, one right
    const Rights wanted = read_rights(names).value();
    table +=
        cat("| `", route.at("method").get<std::string>(), " ", route.at("path").get<std::string>(),
            "` | ", names[0], " | ", roles_with(wanted), " |\n");
  }
  const std::string page =
      read_file(std::filesystem::path(PANSHI_SOURCE_DIR) / "docs/reference/access.md").value();
  INFO(table);
  CHECK(page.find(table) != std::string::npos);

  for (const RoleRow& role : role_rows()) {
    const std::string token = token_for(controller, role.name);
    for (const Json& route : routes) {
      const std::string method = route.at("method");
      INFO(role.name << " " << method << " " << route.at("path"));
      const std::vector<std::string> names = route.at("rights");
      const bool may = (role.rights & read_rights(names).value()) != 0;
      const auto reply =
          controller.call_as(token, method, path_of(route), method == "GET" ? "" : "{}");
      REQUIRE(reply);
      CHECK((reply->status == 403) == !may);
      CHECK(reply->status != 401);
    }
  }
}

TEST_CASE("nothing is changed without a line that says who did it, on every route") {
  const TemporaryFolder folder;
  const FakeAgent agent("keys-1", folder.path());
  const Running controller(folder, agent);
  REQUIRE(controller.sees("agent.up"));
  const std::string token = token_for(controller, "admin");
  std::size_t noted = 0;
  std::size_t refused = 0;
  for (const Json& route : routes_of(controller)) {
    const std::string method = route.at("method");
    const std::string path = path_of(route);
    INFO(method << " " << path);
    const std::int64_t before = last_line(controller);
    const auto reply =
        controller.call_as(token, method, path, method == "GET" ? "" : "{\"reason\":\"x\"}");
    REQUIRE(reply);
    const auto lines = audit_after(controller, before);
    CHECK(route.at("noted") == (method != "GET"));  // reading changes nothing, all else may
    const bool turned_down = reply->status >= 400;
    REQUIRE(lines.size() == (method == "GET" ? 0 : turned_down ? 2 : 1));
    if (lines.empty()) continue;
    if (turned_down) {  // let in by its right, and then not done
      CHECK(lines[1].at("what") == lines[0].at("what"));
      CHECK(lines[1].at("who") == lines[0].at("who"));
      CHECK(lines[1].at("refused") == parse_json(reply->body).value().at("error"));
      ++refused;
    }
    CHECK(lines[0].at("what") == cat(method, " ", path));
    CHECK(lines[0].at("who") == "token t-admin");
    CHECK(lines[0].at("from") == "127.0.0.1");
    CHECK(lines[0].at("body") == Json{{"reason", "x"}});
    CHECK_FALSE(lines[0].contains("refused"));
    ++noted;
  }
  CHECK(noted > 15);
  CHECK(refused > 3);
}

TEST_CASE("whoever is refused stands in the log, and learns no more than that") {
  const TemporaryFolder folder;
  const FakeAgent agent("keys-1", folder.path());
  const Running controller(folder, agent);
  const std::string viewer = token_for(controller, "viewer");
  const std::int64_t before = last_line(controller);
  const auto stranger = controller.call_as("nonsense", "POST", "/api/v1/halt", "{}");
  const auto nowhere = controller.call_as("nonsense", "POST", "/api/v1/nowhere", "{}");
  const auto nobody = controller.call_as("", "GET", "/api/v1/status");
  CHECK(stranger->status == 401);
  CHECK(stranger->body == nowhere->body);
  CHECK(stranger->body == nobody->body);
  const auto looks = controller.call_as(viewer, "POST", "/api/v1/halt", "{}");
  CHECK(looks->status == 403);
  CHECK(looks->body.find("operator, author, admin") != std::string::npos);
  const auto lines = audit_after(controller, before);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].at("who") == "");
  CHECK(lines[0].at("what") == "POST /api/v1/halt");
  CHECK(lines[3].at("who") == "token t-viewer");
  for (const Json& line : lines) CHECK(line.contains("refused"));
}

TEST_CASE("a token that is revoked, or for less than its role, gets in no further") {
  const TemporaryFolder folder;
  const FakeAgent agent("keys-1", folder.path());
  const Running controller(folder, agent);
  const std::string operate = token_for(controller, "operator");
  CHECK(controller.call_as(operate, "GET", "/api/v1/status")->status == 200);
  // Without a scenario of the catalogue it is an author's.
  const std::int64_t before = last_line(controller);
  CHECK(controller.call_as(operate, "POST", "/api/v1/drills", "{\"document\":{}}")->status == 403);
  const auto lines = audit_after(controller, before);
  REQUIRE(lines.size() == 2);
  CHECK(lines[1].at("who") == "token t-operator");
  CHECK(lines[1].contains("refused"));
  (void)controller.call("POST", "/api/v1/tokens/t-operator/revoke", "{}");
  CHECK(controller.call_as(operate, "GET", "/api/v1/status")->status == 401);
  const Json made =
      controller.call("POST", "/api/v1/tokens",
                      R"({"name":"stop","role":"operator","only":["halt"],"valid":"1h"})");
  const std::string only_halt = made.at("token");
  CHECK(controller.call_as(only_halt, "POST", "/api/v1/halt", "{}")->status != 403);
  CHECK(controller.call_as(only_halt, "GET", "/api/v1/status")->status == 403);
  CHECK(controller.call("POST", "/api/v1/tokens", R"({"name":"x","role":"root"})").at("error") ==
        "`root` is not a role; roles: viewer, operator, author, admin");
  const Json list = controller.call("GET", "/api/v1/tokens");
  CHECK(list.at("tokens").size() == 1);
  CHECK(list.dump().find(only_halt.substr(5)) == std::string::npos);
}

TEST_CASE(
    "a token that somebody writes into a reason, or an agent into its answer, stands nowhere") {
  const TemporaryFolder folder;
  FakeAgent agent("keys-1", folder.path());
  const std::string own = "the-secret-of-keys-1";
  const Running controller(folder, agent);
  REQUIRE(controller.sees("agent.up"));
  agent.say("link.broken", {{"why", own}});
  REQUIRE(controller.sees("link.broken"));
  const std::string said = cat("why ", controller.token(), " and ", own);
  (void)controller.call("POST", "/api/v1/halt", dump_json({{"reason", said}}));
  REQUIRE(controller.sees("effect.intended"));
  const std::string events = controller.call("GET", "/api/v1/events?after=0").dump();
  CHECK(events.find("(struck out)") != std::string::npos);
  std::string all = events;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder / "state")) {
    const bool is_its_own = file.path().extension() == ".token";
    if (file.is_regular_file() && !is_its_own) all += read_file(file.path(), 64 << 20).value();
  }
  CHECK(all.find(own) == std::string::npos);
  CHECK(all.find(controller.token()) == std::string::npos);
}

}  // namespace
}  // namespace panshi::controller
