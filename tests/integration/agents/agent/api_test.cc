// SPDX-License-Identifier: Apache-2.0
// Promise: only who has the token and the newest epoch commands the agent; an action happens once;
// no call carries a command.
#include <signal.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"
#include "tests/integration/agents/agent/test_agent.h"
#include "tests/support/raw_http.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

constexpr const char* kBody = R"(
scripts: scripts
services:
  - {name: shop, command: [/bin/sleep, "1000"]}
programs:
  say: {command: [/bin/echo, "{text}"], timeout: 5s}
)";

void write_script(const TestAgent& agent, const std::string& name, const std::string& text) {
  std::filesystem::create_directories(agent.folder() / "scripts");
  const auto file = agent.folder() / "scripts" / name;
  std::ofstream(file) << "#!/bin/sh\n" << text << "\n";
  ::chmod(file.c_str(), 0755);
}

json script(const std::string& name, int timeout_ms = 10'000) {
  return {
      {"epoch", 1}, {"kind", "script"}, {"params", {{"name", name}}}, {"timeout_ms", timeout_ms}};
}

json ended(TestAgent& agent, const std::string& id) {
  json action;
  eventually([&] {
    action = agent.call("GET", "/v1/actions/" + id).json;
    return action.value("state", "") != "running";
  });
  return action;
}

TEST_CASE("without the token, or for another host, nothing is told") {
  TestAgent agent(kBody);
  agent.start();
  const auto status = [&](const std::string& lines) {
    return raw_status(
        raw_http(agent.port(), "GET /v1/status HTTP/1.1\r\n" + lines + "\r\n", agent.address()));
  };
  const std::string host = cat("Host: ", agent.address(), ":", agent.port(), "\r\n");
  const std::string token = cat("Authorization: Bearer ", agent.token(), "\r\n");
  CHECK(status(host + token) == 200);
  CHECK(status(host) == 401);
  CHECK(status(host + "Authorization: Bearer x\r\n") == 401);
  CHECK(status("Host: evil.example\r\n" + token) / 100 == 4);
  CHECK(status(host + token + "Origin: http://evil.example\r\n") / 100 == 4);
  struct stat file {};
  REQUIRE(::stat((agent.folder() / "state/agent.token").c_str(), &file) == 0);
  CHECK((file.st_mode & 0777) == 0600);
}

TEST_CASE("nothing is changed at an agent without a line, and revert.token only reverts") {
  TestAgent agent(kBody);
  agent.start();
  const auto audit = [&](std::int64_t after) {
    std::vector<json> lines;
    const json answer = agent.call("GET", cat("/v1/audit?after=", after)).json;
    for (const json& line : answer.at("lines")) {
      lines.push_back(parse_json(line.get<std::string>()).value());
    }
    return lines;
  };
  const std::string revert = trimmed(read_file(agent.folder() / "state/revert.token").value());
  const auto page =
      read_file(std::filesystem::path(PANSHI_SOURCE_DIR) / "docs/reference/access.md");
  std::int64_t last = 0;
  std::string table;
  const json routes = agent.call("GET", "/v1/routes").json;
  for (const json& route : routes.at("routes")) {
    const std::string method = route.at("method");
    const std::string pattern = route.at("path");
    INFO(method << " " << pattern);
    const std::string path = pattern.find('{') == std::string::npos
                                 ? pattern
                                 : cat(pattern.substr(0, pattern.find('{')), "none",
                                       pattern.substr(pattern.find('}') + 1));
    const std::string right = route.at("rights").at(0);
    table += cat("| `", method, " ", pattern, "` | ", right, " |\n");
    const json body = method == "GET" ? json() : json{{"wait_ms", -1}};
    const bool turned_down = agent.call(method, path, body).status >= 400;
    const auto lines = audit(last);
    const std::size_t expected = turned_down ? 2 : 1;
    REQUIRE(lines.size() == (route.at("noted") == true ? expected : 0));
    CHECK(route.at("noted") == (method != "GET" && pattern != "/v1/poll"));
    for (const json& line : lines) {
      CHECK(line.at("who") == "agent.token");
      CHECK(line.at("what") == cat(method, " ", path));
      last = line.at("n");
    }
    const int status = agent.call_as(revert, method, path, body).status;
    CHECK((status == 403) == (right != "read" && right != "revert"));
    CHECK(status != 401);
    last = audit(0).empty() ? 0 : audit(0).back().at("n").get<std::int64_t>();
  }
  INFO(table);
  CHECK(page->find(table) != std::string::npos);
  // Without an epoch, which people have none of.
  CHECK(agent.call_as(revert, "POST", "/v1/revert-all", json::object()).status == 200);
  CHECK(agent.call("POST", "/v1/revert-all", json::object()).status == 400);
  CHECK(agent.call_as("nonsense", "PUT", "/v1/faults/f-1", json::object()).status == 401);
  const auto lines = audit(last);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].at("who") == "revert.token");
  CHECK(lines[2].at("what") == "POST /v1/revert-all");  // let in, and turned down
  CHECK(lines[2].contains("refused"));
  CHECK(lines[3].at("what") == "PUT /v1/faults/f-1");
  CHECK(lines[3].contains("refused"));
  CHECK(agent.log().find("refused: PUT /v1/faults/f-1 from ") != std::string::npos);
}

TEST_CASE("an epoch that is over is refused, also after a restart, and changes nothing") {
  TestAgent agent(kBody);
  write_script(agent, "touch.sh", "touch " + (agent.folder() / "touched").string());
  agent.start();
  CHECK(agent.call("POST", "/v1/poll", {{"epoch", 5}, {"wait_ms", 0}}).status == 200);
  CHECK(agent.call("PUT", "/v1/actions/x", script("touch.sh")).status == 409);
  CHECK(agent.stop());
  agent.start();
  CHECK(agent.call("GET", "/v1/status").json.at("epoch") == 5);
  CHECK(agent.call("PUT", "/v1/actions/x", script("touch.sh")).status == 409);
  CHECK(agent.call("GET", "/v1/actions/x").status == 404);
  CHECK_FALSE(std::filesystem::exists(agent.folder() / "touched"));
}

TEST_CASE("an action happens once, whoever asks again, also after a restart") {
  TestAgent agent(kBody);
  write_script(agent, "count.sh", "echo once >> " + (agent.folder() / "counted").string());
  agent.start();
  for (int i = 0; i < 3; ++i) {
    CHECK(agent.call("PUT", "/v1/actions/once", script("count.sh")).status / 100 == 2);
  }
  CHECK(ended(agent, "once").at("state") == "ok");
  CHECK(agent.call("PUT", "/v1/actions/once", script("other.sh")).status == 409);
  CHECK(agent.stop());
  agent.start();
  const auto again = agent.call("PUT", "/v1/actions/once", script("count.sh"));
  CHECK(again.status == 200);
  CHECK(again.json.at("result").at("exit_code") == 0);
  CHECK(read_file(agent.folder() / "counted").value() == "once\n");
}

TEST_CASE("an action that ran when the agent was killed is failed, and its process ended") {
  TestAgent agent(kBody, true);
  write_script(agent, "long.sh", "sleep 1000 & wait");
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  CHECK(agent.call("PUT", "/v1/actions/long", script("long.sh")).status == 202);
  REQUIRE(eventually([&] { return agent.everything().size() >= 5; }));
  const pid_t first = agent.pid();
  agent.signal(SIGKILL);
  REQUIRE(eventually([&] { return agent.pid() != 0 && agent.pid() != first; }));
  REQUIRE(eventually([&] { return agent.call("GET", "/v1/healthz").status == 200; }));
  const json action = ended(agent, "long");
  CHECK(action.at("state") == "failed");
  CHECK(action.at("error") == "agent restarted");
  CHECK(eventually([&] { return agent.everything().size() == 3; }));  // agent, guardian, shop
}

TEST_CASE("a script is a file of the script directory, given what it asks for and no more") {
  TestAgent agent(kBody);
  write_script(agent, "env.sh", "# panshi-env: OTHER ORDER BASH_ENV\nenv | sort");
  std::ofstream(agent.folder() / "outside.sh") << "#!/bin/sh\n";
  ::chmod((agent.folder() / "outside.sh").c_str(), 0755);
  std::filesystem::create_symlink(agent.folder() / "outside.sh",
                                  agent.folder() / "scripts/link.sh");
  std::ofstream(agent.folder() / "scripts/plain.txt") << "no program\n";
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));

  json body = script("env.sh");
  body["params"]["env"] = {{"ORDER", "a b"}};
  CHECK(agent.call("PUT", "/v1/actions/env", body).status / 100 == 2);
  const std::string output = ended(agent, "env").at("result").at("output");
  CHECK_THAT(output, Catch::Contains("ORDER=a b\n") && Catch::Contains("PANSHI_NODE=test\n") &&
                         Catch::Contains(cat("PANSHI_PID_SHOP=",
                                             agent.service("shop").at("pid").get<int>(), "\n")));
  CHECK(output.find(agent.token()) == std::string::npos);

  for (const char* name : {"link.sh", "plain.txt", "../outside.sh", "/bin/sh", "absent.sh"}) {
    INFO(name);
    CHECK(agent.call("PUT", "/v1/actions/bad", script(name)).status == 404);
  }
  REQUIRE(::chmod((agent.folder() / "scripts/env.sh").c_str(), 0777) == 0);  // since the start
  CHECK(agent.call("PUT", "/v1/actions/open", script("env.sh")).status == 404);
  REQUIRE(::chmod((agent.folder() / "scripts/env.sh").c_str(), 0755) == 0);
  for (const char* variable : {"PATH", "LD_PRELOAD", "PANSHI_STATE", "lower", "A-B", "BASH_ENV",
                               "PYTHONPATH", "ENV", "ORDERS"}) {
    INFO(variable);
    body["params"]["env"] = {{variable, "x"}};
    const auto refused = agent.call("PUT", "/v1/actions/bad", body);
    CHECK(refused.status == 400);
    if (variable == std::string("ORDERS")) {
      CHECK_THAT(refused.json.dump(), Catch::Contains("did you mean `ORDER`"));
    }
  }
}

TEST_CASE("an argument of a program is text, never a command") {
  TestAgent agent(kBody);
  agent.start();
  const json body = {{"epoch", 1},
                     {"kind", "program"},
                     {"params", {{"name", "say"}, {"args", {{"text", "$(id); {text} `id`"}}}}},
                     {"timeout_ms", 5'000}};
  CHECK(agent.call("PUT", "/v1/actions/say", body).status / 100 == 2);
  CHECK(ended(agent, "say").at("result").at("output") == "$(id); {text} `id`\n");
}

TEST_CASE("a script that takes too long is ended with what it started") {
  TestAgent agent(kBody);
  write_script(agent, "slow.sh", "sleep 1000 & sleep 1000");
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  CHECK(agent.call("PUT", "/v1/actions/slow", script("slow.sh", 50)).status == 202);
  const json action = ended(agent, "slow");
  CHECK(action.at("state") == "failed");
  CHECK_THAT(action.at("error").get<std::string>(), Catch::Contains("within 50ms"));
  CHECK(eventually([&] { return agent.everything().size() == 3; }));
}

TEST_CASE("every mistake in a body is told, with its path") {
  TestAgent agent(kBody);
  agent.start();
  const auto answer = agent.call(
      "PUT", "/v1/actions/x",
      {{"epoch", 1}, {"kind", "reroute"}, {"params", {{"lnk", "a"}}}, {"timeout_ms", 0}});
  CHECK(answer.status == 400);
  const std::string error = answer.json.at("error");
  CHECK_THAT(error, Catch::Contains("params.link is missing") &&
                        Catch::Contains("params.lnk is not a known field") &&
                        Catch::Contains("timeout_ms must be"));
  CHECK(agent.call("PUT", "/v1/actions/x", {{"kind", "stop"}}).status == 400);
}

}  // namespace
}  // namespace panshi::agent
