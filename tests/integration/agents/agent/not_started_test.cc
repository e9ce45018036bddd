// SPDX-License-Identifier: Apache-2.0
// The promise under test: whatever keeps an agent from starting, also a user who holds its ports,
// keeps no fault of an earlier run in force.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <optional>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/process.h"
#include "tests/integration/agents/agent/test_agent.h"
#include "tests/support/secret_file.h"

namespace panshi::agent {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kBody = R"(scripts: scripts
services:
  - {name: shop, command: [/bin/sleep, "1000"], env: {KEY: {secret: key.secret}}}
links:
  - {name: database, listen: "{address}:27951", upstreams: [{name: a, address: "{address}:27952"}]}
)";

class Squatter {
 public:
  Squatter(const std::string& address, std::uint16_t port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &at.sin_addr);
    const int on = 1;  // there may be ends of connections from before
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(::listen(fd_, 16) == 0);
  }
  ~Squatter() { ::close(fd_); }
  Squatter(const Squatter&) = delete;
  Squatter& operator=(const Squatter&) = delete;

 private:
  const int fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

// Pauses the service, and answers with its pid.
pid_t paused(TestAgent& agent) {
  REQUIRE(agent.becomes("shop", "ready"));
  const auto fault = agent.call("PUT", "/v1/faults/f1",
                                {{"epoch", 1},
                                 {"kind", "process.pause"},
                                 {"target", {{"service", "shop"}}},
                                 {"lease_ms", 60'000}});
  REQUIRE(fault.json.at("state") == "live");
  return agent.service("shop").at("pid");
}

pid_t started_and_paused(TestAgent& agent) {
  fs::create_directories(agent.folder() / "scripts");
  (void)secret_in(agent.folder(), "a key of the shop's", "key.secret");
  agent.start();
  return paused(agent);
}

// In its configuration.
void change(const TestAgent& agent, const std::string& from, const std::string& to) {
  std::string text = read_file(agent.folder() / "agent.yaml").value();
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  std::ofstream(agent.folder() / "agent.yaml") << text.replace(at, from.size(), to);
}

void try_with(const std::string& obstacle, int code, const std::string& said) {
  INFO(obstacle);
  TestAgent agent(kBody);
  const pid_t shop = started_and_paused(agent);
  agent.kill_whole();
  REQUIRE(process_state(shop) == 'T');

  std::optional<Squatter> squatter;
  if (obstacle == "port") squatter.emplace(agent.address(), agent.port());
  if (obstacle == "link") squatter.emplace(agent.address(), 27'951);
  if (obstacle == "secret") fs::remove(agent.folder() / "key.secret");
  if (obstacle == "scripts") fs::permissions(agent.folder() / "scripts", fs::perms::all);
  const Ended ended = agent.run({"--config", "{config}"});
  INFO(ended.output);
  CHECK(ended.code == code);
  CHECK_THAT(ended.output, Catch::Contains(said));
  CHECK_THAT(ended.output, Catch::Contains("fault f1 of an earlier run: reverted"));
  CHECK(process_state(shop) != 'T');
  CHECK_FALSE(fs::exists(agent.folder() / "state/faults/f1.json"));
}

TEST_CASE("a configuration that is broken meanwhile keeps no guardian from reverting") {
  for (const bool revives : {false, true}) {
    INFO(revives);
    TestAgent agent(kBody, revives);
    const pid_t shop = started_and_paused(agent);
    std::ofstream(agent.folder() / "agent.yaml") << "node: [test\n";
    agent.signal(SIGKILL);
    CHECK(eventually([&] { return process_state(shop) == 'S'; }));
    CHECK(eventually([&] { return !fs::exists(agent.folder() / "state/faults/f1.json"); }));
    CHECK(eventually([&] { return (agent.pid() != 0) == revives; }));
    CHECK_THAT(agent.log(), Catch::Contains("goes on with the configuration"));
  }
}

TEST_CASE("a configuration that names another state meanwhile keeps no guardian from reverting") {
  TestAgent agent(kBody);
  const pid_t shop = started_and_paused(agent);
  change(agent, "state: state", "state: another");
  agent.signal(SIGKILL);
  CHECK(eventually([&] { return process_state(shop) == 'S'; }));
  CHECK(eventually([&] { return !fs::exists(agent.folder() / "state/faults/f1.json"); }));
}

TEST_CASE("with agent and guardian dead and a broken configuration, the next start reverts") {
  for (const std::string& verb : {std::string(), std::string("revert-all")}) {
    INFO(verb);
    TestAgent agent(kBody);
    const pid_t shop = started_and_paused(agent);
    agent.kill_whole();
    change(agent, "services:", "servces:");
    const Ended ended = verb.empty() ? agent.run({"--config", "{config}"})
                                     : agent.run({verb, "--config", "{config}"});
    INFO(ended.output);
    CHECK(ended.code == (verb.empty() ? 64 : 0));
    CHECK(process_state(shop) != 'T');
    CHECK_FALSE(fs::exists(agent.folder() / "state/faults/f1.json"));
  }
}

TEST_CASE(
    "an undo record that cannot be read, or that another user wrote, is not said to be undone") {
  for (const bool foreign : {false, true}) {
    if (foreign && ::geteuid() != 0) continue;
    TestAgent agent(kBody);
    const pid_t shop = started_and_paused(agent);
    agent.kill_whole();
    const fs::path record = agent.folder() / "state/faults/f1.json";
    if (foreign) REQUIRE(::chown(record.c_str(), 65'534, 65'534) == 0);
    if (!foreign) std::ofstream(record) << "garbage";
    const Ended ended = agent.run({"revert-all", "--config", "{config}"});
    INFO(ended.output);
    CHECK(ended.code == 1);
    CHECK_THAT(ended.output, Catch::Contains(R"("id":"f1")") || Catch::Contains("f1"));
    CHECK(process_state(shop) == 'T');
    ::kill(shop, SIGCONT);
  }
}

TEST_CASE("an agent that cannot start reverts what an earlier run left in force") {
  try_with("port", 1, "is taken");
  try_with("link", 1, "link database");
  try_with("scripts", 64, "scripts");
  try_with("secret", 64, "secret");
}

}  // namespace
}  // namespace panshi::agent
