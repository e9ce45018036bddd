// SPDX-License-Identifier: Apache-2.0
// Promise: whatever an agent is asked, and whatever fails, no secret of its configuration and no
// token is in an answer, an event, a log, the audit log, an argument or another's environment.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"
#include "tests/integration/agents/agent/test_agent.h"

namespace panshi::agent {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr const char* kBody = R"(
scripts: scripts
services:
  - name: db
    command: [/bin/sleep, "1000"]
    env: {DB_PASSWORD: {secret: env.canary}}
    sql: {host: 127.0.0.1, port: 9, user: chaos, password: {secret: sql.canary}}
    redis: {host: 127.0.0.1, port: 9, password: {secret: redis.canary}}
    nats: {url: "nats://127.0.0.1:9", user: chaos, password: {secret: nats.canary}}
  - {name: other, command: [/bin/sleep, "1000"]}
probes:
  - {name: asks, service: db, kind: sql, host: 127.0.0.1, port: 9, user: probe,
     password: {secret: probe.canary}, every: 100ms, timeout: 100ms}
programs:
  tell: {command: [/bin/cat, "{file}"], timeout: 5s}
)";

const std::vector<std::string> kNames = {"env", "sql", "redis", "nats", "probe"};

void plant(const TestAgent& agent) {
  for (const std::string& name : kNames) {
    REQUIRE(write_file_durably(agent.folder() / (name + ".canary"),
                               cat("canary-of-", name, "-5f1d\n"), 0600));
  }
  fs::create_directories(agent.folder() / "scripts");
  // A script that shows what it should not, and fails.
  const fs::path script = agent.folder() / "scripts/careless.sh";
  std::ofstream(script) << "#!/bin/sh\ncat " << (agent.folder() / "*.canary").string() << "\ncat "
                        << (agent.folder() / "*.canary").string() << " >&2\nenv\nexit 3\n";
  REQUIRE(::chmod(script.c_str(), 0700) == 0);
}

std::string text_of(const fs::path& file) { return read_file(file, 64 << 20).value_or(""); }

TEST_CASE("no secret of an agent comes out, whatever it is asked and whatever fails") {
  TestAgent agent(kBody);
  plant(agent);
  agent.start();
  std::string seen;
  const auto call = [&](const std::string& method, const std::string& path, const json& body = {}) {
    const auto answer = agent.call(method, path, body);
    seen += answer.json.dump();
    return answer;
  };
  for (const char* path : {"/v1/status", "/v1/faults", "/v1/faults/kinds", "/v1/fsck",
                           "/v1/services", "/v1/links", "/v1/routes"}) {
    CHECK(call("GET", path).status == 200);
  }
  const json order = {{"epoch", 1}, {"target", {{"service", "db"}}}, {"lease_ms", 2000}};
  int number = 0;
  for (const char* kind : {"db.disconnect", "db.read-only", "redis.memory-full", "redis.failover",
                           "queue.consumer-stall", "process.pause", "nonsense"}) {
    json body = order;
    body["kind"] = kind;
    if (std::string(kind).starts_with("queue.")) {
      body["params"] = {{"stream", "s"}, {"consumer", "c"}};
    }
    call("PUT", cat("/v1/faults/f-", ++number), body);
  }
  const json careless = {{"epoch", 1},
                         {"kind", "script"},
                         {"params", {{"name", "careless.sh"}}},
                         {"timeout_ms", 5'000}};
  call("PUT", "/v1/actions/a-1", careless);
  json program = careless;
  program["kind"] = "program";
  program["params"] = {{"name", "tell"},
                       {"args", {{"file", (agent.folder() / "sql.canary").string()}}}};
  call("PUT", "/v1/actions/a-2", program);
  REQUIRE(eventually([&] {
    return agent.call("GET", "/v1/actions/a-1").json.value("state", "") == "done" ||
           agent.call("GET", "/v1/actions/a-1").json.value("state", "") == "failed";
  }));
  const json ended = call("GET", "/v1/actions/a-1").json;
  INFO(ended);
  CHECK(ended.dump().find("(struck out)") != std::string::npos);  // it was there to be told
  call("GET", "/v1/actions/a-2");
  call("POST", "/v1/poll", {{"epoch", 1}, {"wait_ms", 0}, {"after", 0}});
  call("POST", "/v1/revert-all", {{"epoch", 1}});
  seen += agent.run({"fsck", "--config", "{config}"}).output;
  seen += agent.run({"snapshot", "--config", "{config}"}).output;
  seen += agent.log();
  for (const auto& entry : fs::recursive_directory_iterator(agent.folder() / "state")) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file() || name.ends_with(".token")) continue;
    seen += text_of(entry.path());
  }
  for (const pid_t pid : agent.everything()) {
    const fs::path proc = cat("/proc/", pid);
    seen += text_of(proc / "cmdline");
    // The service that it is for has it; nobody else.
    const std::string environment = text_of(proc / "environ");
    if (environment.find("PANSHI_SERVICE=db") == std::string::npos) seen += environment;
  }
  for (const std::string& name : kNames) {
    INFO(name);
    CHECK(seen.find(cat("canary-of-", name)) == std::string::npos);
  }
  for (const char* file : {"agent.token", "revert.token"}) {
    const std::string token = trimmed(text_of(agent.folder() / "state" / file));
    REQUIRE(token.size() >= 32);
    CHECK(seen.find(token) == std::string::npos);
  }
}

TEST_CASE("an agent whose secret is missing, or open to others, does not start") {
  TestAgent agent(kBody);
  plant(agent);
  REQUIRE(::chmod((agent.folder() / "nats.canary").c_str(), 0644) == 0);
  const Ended open = agent.run({"--config", "{config}"});
  CHECK(open.code == 64);
  CHECK(open.output.find("chmod 600") != std::string::npos);
  fs::remove(agent.folder() / "nats.canary");
  const Ended missing = agent.run({"--config", "{config}"});
  CHECK(missing.code == 64);
  CHECK(missing.output.find("nats.canary") != std::string::npos);
}

}  // namespace
}  // namespace panshi::agent
