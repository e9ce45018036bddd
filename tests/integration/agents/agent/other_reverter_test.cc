// SPDX-License-Identifier: Apache-2.0
// The promise under test: whoever reverts by hand while somebody else does is told who, since when
// and what is left, waits, and goes on.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <utility>

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
  Beside(const TestAgent& agent, const std::string& name, ProcessSpec spec)
      : log_(agent.folder() / name) {
    spec.directory = agent.folder();
    spec.log_file = log_;
    spec.env["PATH"] = "/usr/bin:/bin";
    const auto launched =
        processes_.launch(spec, [this](ProcessExit exit) { ended_.set_value(exit.code); });
    REQUIRE(launched);
  }

  std::string said() const { return read_file(log_).value_or(""); }
  bool says(const std::string& text) const {
    return eventually([&] { return said().find(text) != std::string::npos; });
  }
  int end() { return ended_.get_future().get(); }

 private:
  const fs::path log_;
  std::promise<int> ended_;
  ProcessRunner processes_;  // the first to go
};

// Holds the state as a guardian does that still tries, until the file `go` is there.
struct Holder {
  Holder(const TestAgent& agent, bool is_guardian)
      : go(agent.folder() / "go"), program(agent, "holder.log", spec(agent, is_guardian)) {
    REQUIRE(program.says("holds"));
    pid = LockFile::holder(agent.folder() / "state/agent.lock");
    REQUIRE(pid > 0);
  }
  ~Holder() { let_go(); }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  void let_go() {
    std::ofstream(go) << "\n";
    if (!std::exchange(has_ended, true)) (void)program.end();
  }
  static ProcessSpec spec(const TestAgent& agent, bool is_guardian) {
    std::ofstream(agent.folder() / "revert-all")
        << "echo holds\nuntil [ -e go ]; do sleep 0.05; done\n";
    ProcessSpec spec{.argv = {"flock", "--no-fork", "state/agent.lock", "/bin/sh", "revert-all"}};
    if (is_guardian) spec.env["PANSHI_PREDECESSOR"] = "died";
    return spec;
  }

  const fs::path go;
  pid_t pid = 0;
  bool has_ended = false;
  Beside program;
};

void revert_beside(bool is_guardian, const std::string& who) {
  INFO(who);
  TestAgent agent(kSleeper);
  const pid_t shop = left_paused(agent);
  Holder other(agent, is_guardian);
  const std::string config = (agent.folder() / "agent.yaml").string();
  Beside mine(agent, "mine.log",
              {.argv = {PANSHI_BIN_DIR "/panshi-agent", "revert-all", "--config", config}});
  CHECK(mine.says("Waiting for it, and then going on\n"));
  CHECK_THAT(mine.said(), Catch::StartsWith(cat("panshi-agent: ", who, " (process ", other.pid,
                                                ") has been reverting since 2")) &&
                              Catch::Contains(" UTC; not over yet: f1. Waiting for it"));
  CHECK(process_state(shop) == 'T');
  other.let_go();
  CHECK(mine.end() == 0);
  const std::string said = mine.said();
  INFO(said);
  CHECK(said.find("Waiting for it") == said.rfind("Waiting for it"));  // once
  CHECK_THAT(said, Catch::Contains("\"reverted\"") && Catch::Contains("\"f1\""));
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
  const Holder other(agent, true);
  const Ended ended = agent.run({"fsck", "--clear", "--config", "{config}"});
  CHECK(ended.code == 1);
  CHECK_THAT(ended.output,
             Catch::Contains("no agent runs here: the guardian of the agent that ran here"));
}

}  // namespace
}  // namespace panshi::agent
