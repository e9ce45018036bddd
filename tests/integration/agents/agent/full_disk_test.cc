// SPDX-License-Identifier: Apache-2.0
// The promise under test: a full disk under the agent's state keeps no fault in force, neither when
// its lease ends nor when the agent dies; what cannot be recorded is not begun.
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "core/base/text.h"
#include "core/io/process_table.h"
#include "tests/integration/agents/agent/test_agent.h"
#include "tests/support/skip.h"

namespace panshi::agent {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr const char* kShop = "services:\n  - {name: shop, command: [/bin/sleep, \"1000\"]}\n";

// An agent whose state has a small file system of its own, which no other process sees.
struct Small {
  explicit Small(bool restarts = true) : agent(kShop, restarts), state(agent.folder() / "state") {
    fs::create_directory(state);
    const bool apart = ::unshare(CLONE_NEWNS) == 0 &&
                       ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                       ::mount("tmpfs", state.c_str(), "tmpfs", 0, "size=512k,mode=0700") == 0;
    if (!apart) skip_case("no file system can be mounted here");
    agent.start();
    REQUIRE(agent.becomes("shop", "ready"));
  }
  ~Small() {
    if (agent.pid() != 0) (void)agent.stop();
    ::umount2(state.c_str(), MNT_DETACH);
  }
  int pause(const std::string& id, int lease_ms) {
    return agent
        .call("PUT", "/v1/faults/" + id,
              {{"epoch", 1},
               {"kind", "process.pause"},
               {"target", {{"service", "shop"}}},
               {"params", json::object()},
               {"lease_ms", lease_ms},
               {"drill", "d1"}})
        .status;
  }
  // To the last byte, again until nothing is left: the agent writes meanwhile.
  void fill() const {
    const std::string block(4'096, 'x');
    for (int i = 0; i < 3; ++i) {
      std::ofstream file(state / cat("ballast-", i), std::ios::binary);
      while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
      }
    }
    REQUIRE(fs::space(state).available == 0);
  }
  void empty() const {
    for (int i = 0; i < 3; ++i) fs::remove(state / cat("ballast-", i));
  }
  pid_t shop() { return agent.service("shop").at("pid"); }

  TestAgent agent;
  fs::path state;
};

TEST_CASE(
    "a fault on a full disk ends with its lease, and one that cannot be recorded is refused") {
  Small node;
  REQUIRE(node.pause("f1", 1'000) == 200);
  const pid_t pid = node.shop();
  REQUIRE(process_state(pid) == 'T');
  node.fill();
  CHECK(eventually([&] { return process_state(pid) == 'S'; }));
  CHECK(node.pause("f2", 60'000) != 200);
  CHECK(process_state(pid) == 'S');
  node.empty();
  CHECK(node.agent.await_event("fault.reverted", "").at("fault") == "f1");
  CHECK(node.pause("f3", 60'000) == 200);
  CHECK(process_state(pid) == 'T');
}

TEST_CASE("an agent that dies on a full disk is followed by one that ends its faults") {
  Small node;
  REQUIRE(node.pause("f1", 60'000) == 200);
  const pid_t pid = node.shop();
  node.fill();
  const pid_t before = node.agent.pid();
  node.agent.signal(SIGKILL);
  CHECK(eventually([&] { return process_state(pid) == 'S'; }));
  CHECK(eventually([&] { return node.agent.pid() != 0 && node.agent.pid() != before; }));
  CHECK(eventually([&] { return node.agent.call("GET", "/v1/healthz").status == 200; }));
}

TEST_CASE(
    "a revert on a full disk says what could not be written, keeps the fault, and ends later") {
  Small node(false);
  REQUIRE(node.pause("f1", 60'000) == 200);
  const pid_t pid = node.shop();
  node.agent.kill_whole();
  node.fill();
  const Ended full = node.agent.run({"revert-all", "--config", "{config}"});
  INFO(full.output);
  CHECK(full.code == 1);
  CHECK(process_state(pid) == 'S');  // what it broke is mended all the same
  const std::string state = node.state.string();
  CHECK_THAT(
      full.output,
      Catch::Contains("fault f1 is not over: it is undone, but not written down as over") &&
          Catch::Contains("write: " + state + "/faults/ended.jsonl: No space left on device") &&
          Catch::Contains("nothing is forgotten: what undoes them stays in " + state +
                          "/faults. The disk there is full: free some space, and then run "
                          "revert-all again"));
  CHECK(fs::exists(node.state / "faults/f1.json"));
  node.empty();
  const Ended again = node.agent.run({"revert-all", "--config", "{config}"});
  INFO(again.output);
  CHECK(again.code == 0);
  CHECK_FALSE(fs::exists(node.state / "faults/f1.json"));
}

}  // namespace
}  // namespace panshi::agent
