// SPDX-License-Identifier: Apache-2.0
// Promise: what is wrong is said in a line, with the right exit status, and nothing is left
// running.
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"
#include "tests/integration/agents/agent/test_agent.h"

namespace panshi::agent {
namespace {

constexpr const char* kOne = "services:\n  - {name: shop, command: [/bin/sleep, \"1000\"]}\n";

TEST_CASE("a wrong configuration is refused with every mistake, and nothing is started") {
  TestAgent agent("services:\n  - {name: shop, comand: [x]}\n  - {name: shop}\nfoo: 1\n");
  for (const auto& more :
       {std::vector<std::string>{}, std::vector<std::string>{"--check-config"}}) {
    std::vector<std::string> arguments = {"--config", "{config}"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ended ended = agent.run(arguments);
    CHECK(ended.code == 64);
    CHECK_THAT(ended.output, Catch::Contains("agent.yaml:7:") &&
                                 Catch::Contains("did you mean `command`?") &&
                                 Catch::Contains("is there twice") && Catch::Contains("foo"));
    CHECK(split(ended.output, '\n').size() == 6);
  }
  CHECK(agent.everything().empty());
  CHECK_FALSE(std::filesystem::exists(agent.folder() / "state"));
}

TEST_CASE("a right configuration is only checked when so asked") {
  TestAgent agent(kOne);
  const Ended ended = agent.run({"--config", "{config}", "--check-config"});
  CHECK(ended.code == 0);
  CHECK_THAT(ended.output, Catch::Contains(": good"));
  CHECK_FALSE(std::filesystem::exists(agent.folder() / "state"));
}

TEST_CASE("a configuration that others may change starts nothing, and still reverts") {
  TestAgent agent(kOne);
  const std::string file = (agent.folder() / "agent.yaml").string();
  REQUIRE(::chmod(file.c_str(), 0666) == 0);
  for (const auto& more : {std::vector<std::string>{}, {"--check-config"}}) {
    std::vector<std::string> arguments = {"--config", "{config}"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ended ended = agent.run(arguments);
    CHECK(ended.code == 64);
    CHECK_THAT(ended.output, Catch::Contains(cat("`chmod o-w ", file, "`")));
  }
  CHECK(agent.everything().empty());
  CHECK(agent.run({"revert-all", "--config", "{config}"}).code == 0);
}

TEST_CASE("usage mistakes are 64, help and version are 0") {
  TestAgent agent(kOne);
  CHECK(agent.run({}).code == 64);
  CHECK(agent.run({"--config"}).code == 64);
  CHECK(agent.run({"--nonsense", "--config", "{config}"}).code == 64);
  CHECK(agent.run({"--config", "/nowhere.yaml"}).code == 64);
  CHECK(agent.run({"--help"}).code == 0);
  CHECK_THAT(agent.run({"--version"}).output, Catch::Contains("panshi-agent "));
}

TEST_CASE("a taken port is one clear line, and nothing is left running") {
  TestAgent first(kOne);
  first.start();
  const std::string link =
      cat("links:\n  - {name: l, listen: \"", first.address(), ":", first.port(),
          "\", upstreams: [{name: u, address: \"127.0.0.1:1\"}]}\n");
  TestAgent second(kOne + link);
  const Ended ended = second.run({"--config", "{config}"});
  CHECK(ended.code == 1);
  CHECK_THAT(ended.output, Catch::Contains(cat(first.address(), ":", first.port())));
  CHECK(split(ended.output, '\n').size() == 2);  // the line and the end of it
  CHECK(eventually([&] { return second.everything().empty(); }));
}

TEST_CASE("with nothing left behind, revert-all reverts nothing and fsck finds nothing") {
  TestAgent agent(kOne);
  const Ended reverted = agent.run({"revert-all", "--config", "{config}"});
  CHECK(reverted.code == 0);
  CHECK(*parse_json(reverted.output) == nlohmann::json{{"reverted", nlohmann::json::array()},
                                                       {"failed", nlohmann::json::array()},
                                                       {"faults", nlohmann::json::array()}});
  const Ended found = agent.run({"fsck", "--config", "{config}"});
  CHECK(found.code == 0);
  CHECK(parse_json(found.output)->at("leftovers").empty());
}

TEST_CASE("while an agent runs, revert-all has it revert what is in force") {
  TestAgent agent(kOne);
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  REQUIRE(agent
              .call("PUT", "/v1/faults/f-1",
                    {{"epoch", 1},
                     {"kind", "process.pause"},
                     {"target", {{"service", "shop"}}},
                     {"lease_ms", 60'000}})
              .status == 200);
  const Ended ended = agent.run({"revert-all", "--config", "{config}"});
  CHECK(ended.code == 0);
  CHECK(parse_json(ended.output)->at("reverted") == nlohmann::json{"f-1"});
  CHECK(agent.call("GET", "/v1/faults").json.at("faults").at(0).at("state") == "reverted");
}

TEST_CASE("a snapshot shows what a fault does to the machine, and afterwards that it is gone") {
  TestAgent agent(kOne);
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  const Ended before = agent.run({"snapshot", "--config", "{config}"});
  REQUIRE(before.code == 0);
  const std::string file = (agent.folder() / "before.json").string();
  REQUIRE(write_file_durably(file, before.output, 0600));
  const auto compare = [&] {
    return agent.run({"snapshot", "--compare", file, "--config", "{config}"});
  };
  const nlohmann::json pause = {{"epoch", 1},
                                {"kind", "process.pause"},
                                {"target", {{"service", "shop"}}},
                                {"params", nlohmann::json::object()},
                                {"lease_ms", 60'000}};
  REQUIRE(agent.call("PUT", "/v1/faults/f", pause).status == 200);
  const Ended during = compare();
  CHECK(during.code == 1);
  CHECK_THAT(during.output, Catch::Contains("+ services.shop: stopped processes 1") &&
                                Catch::Contains("- services.shop: stopped processes 0"));
  REQUIRE(agent.call("POST", "/v1/faults/f/revert", {{"epoch", 1}}).status == 200);
  CHECK_THAT(compare().output, !Catch::Contains("services.shop"));
  CHECK(agent.run({"snapshot", "--compare", "/nowhere", "--config", "{config}"}).code == 64);
}

}  // namespace
}  // namespace panshi::agent
