// SPDX-License-Identifier: Apache-2.0
// The promise under test: whoever reverts by hand while somebody else does is told who, since when
// and what is left, waits, and goes on.
#include <signal.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/process_table.h"
#include "tests/integration/agents/agent/test_agent.h"

namespace panshi::agent {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSleeper = "services:\n  - {name: shop, command: [/bin/sleep, \"1000\"]}\n";

// A paused service whose agent and guardian were killed. Returns its pid.
pid_t left_paused(TestAgent& agent) {
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  const auto fault = agent.call("PUT", "/v1/faults/f1",
                                {{"epoch", 1},
                                 {"kind", "process.pause"},
                                 {"target", {{"service", "shop"}}},
                                 {"lease_ms", 60'000}});
  REQUIRE(fault.json.at("state") == "live");
  const pid_t shop = agent.service("shop").at("pid");
  agent.kill_whole();
  REQUIRE(process_state(shop) == 'T');
  return shop;
}

// A program that runs beside, its output as it comes.
class Beside {
 public:
  explicit Beside(const std::string& command) : out_(::popen((command + " 2>&1").c_str(), "r")) {}
  ~Beside() { (void)end(); }
  Beside(const Beside&) = delete;
  Beside& operator=(const Beside&) = delete;

  std::string line() {  // waits for it; "" after the last
    std::array<char, 4'096> text{};
    return out_ && std::fgets(text.data(), text.size(), out_) ? text.data() : "";
  }
  int end() { return out_ ? ::pclose(std::exchange(out_, nullptr)) : -1; }

 private:
  std::FILE* out_;
};

// Holds the state as a guardian does that still tries, until the file `go` is there.
std::string like_a_guardian(const TestAgent& agent, bool is_guardian) {
  const fs::path folder = agent.folder();
  std::ofstream(folder / "revert-all") << "echo holds\nuntil [ -e go ]; do sleep 0.05; done\n";
  return cat("cd ", folder.string(), " && ", is_guardian ? "PANSHI_PREDECESSOR=died " : "",
             "exec flock --no-fork state/agent.lock /bin/sh revert-all");
}

void revert_beside(bool is_guardian, const std::string& who) {
  INFO(who);
  TestAgent agent(kSleeper);
  const pid_t shop = left_paused(agent);
  Beside other(like_a_guardian(agent, is_guardian));
  REQUIRE(other.line() == "holds\n");
  const pid_t holder = LockFile::holder(agent.folder() / "state/agent.lock");
  REQUIRE(holder > 0);
  const std::string config = (agent.folder() / "agent.yaml").string();
  Beside mine(cat(PANSHI_BIN_DIR "/panshi-agent revert-all --config ", config));
  const std::string said = mine.line();
  CHECK_THAT(
      said, Catch::StartsWith(
                cat("panshi-agent: ", who, " (process ", holder, ") has been reverting since 2")) &&
                Catch::EndsWith(" UTC; not over yet: f1. Waiting for it, and then going on\n"));
  CHECK(process_state(shop) == 'T');
  std::ofstream(agent.folder() / "go") << "\n";
  std::string rest;
  for (std::string line = mine.line(); !line.empty(); line = mine.line()) rest += line;
  INFO(rest);
  CHECK_THAT(rest, Catch::Contains("\"reverted\"") && Catch::Contains("\"f1\""));
  CHECK(mine.end() == 0);
  CHECK(process_state(shop) == 'S');
  CHECK_FALSE(fs::exists(agent.folder() / "state/faults/f1.json"));
}

TEST_CASE("a revert by hand beside a guardian that still tries says so, waits, and goes on") {
  revert_beside(true, "the guardian of the agent that ran here");
}

TEST_CASE("a revert by hand beside another one says so, waits, and goes on") {
  revert_beside(false, "another `revert-all`");
}

TEST_CASE("clearing by hand beside a guardian that still tries says who holds the state") {
  TestAgent agent(kSleeper);
  (void)left_paused(agent);
  Beside other(like_a_guardian(agent, true));
  REQUIRE(other.line() == "holds\n");
  const Ended ended = agent.run({"fsck", "--clear", "--config", "{config}"});
  std::ofstream(agent.folder() / "go") << "\n";
  CHECK(ended.code == 1);
  CHECK_THAT(ended.output,
             Catch::Contains("no agent runs here: the guardian of the agent that ran here"));
}

}  // namespace
}  // namespace panshi::agent
