// SPDX-License-Identifier: Apache-2.0
// Promise: what is typed reaches the command as typed; what is wrong ends with 64 and does nothing.
#include "cli/parse.h"

#include <catch2/catch.hpp>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "cli/exit_codes.h"

namespace panshi::cli {
namespace {

std::map<std::string, std::vector<std::string>> seen;
bool seen_json = false;
int calls = 0;

int remember(Invocation& invocation) {
  seen = invocation.values;
  seen_json = invocation.json;
  ++calls;
  return 7;
}

std::vector<Command> commands() {
  return {{"drill",
           "run",
           "Run.",
           "panshi drill run x",
           {{"scenario", "SCENARIO", "", true},
            {"--seed", "N", ""},
            {"--set", "A=B", "", false, true},
            {"--rate", "N", "", false, false, 1, 99}},
           remember},
          {"check", "", "Check.", "panshi check a", {{"file", "FILE", "", true, true}}, remember},
          {"report", "", "Show.", "panshi report d", {{"drill", "ID", ""}}, remember},
          {"report",
           "verify",
           "Verify.",
           "panshi report verify f",
           {{"file", "FILE", "", true}},
           remember}};
}

int run(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "panshi");
  seen.clear();
  return parse_and_run(commands(), static_cast<int>(arguments.size()), arguments.data());
}

TEST_CASE("options and positions reach the command, in any order") {
  CHECK(run({"drill", "run", "--set", "a=1", "hang", "--seed", "-5", "--json", "--set", "b=2"}) ==
        7);
  CHECK(seen["scenario"] == std::vector<std::string>{"hang"});
  CHECK(seen["--seed"] == std::vector<std::string>{"-5"});
  CHECK(seen["--set"] == std::vector<std::string>{"a=1", "b=2"});
  CHECK(seen_json);
}

TEST_CASE("a position may take many") {
  CHECK(run({"check", "a", "b", "c"}) == 7);
  CHECK(seen["file"] == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("a noun may be a command and have verbs too") {
  CHECK(run({"report", "d-1"}) == 7);
  CHECK(seen["drill"] == std::vector<std::string>{"d-1"});
  CHECK(run({"report", "verify", "f"}) == 7);
  CHECK(seen["file"] == std::vector<std::string>{"f"});
}

TEST_CASE("`help` shows the help of what stands behind it, with the exit codes, and ends with 0") {
  const int before = calls;
  for (const auto& words : std::vector<std::vector<const char*>>{
           {"help"}, {"help", "drill"}, {"help", "drill", "run"}, {"drill", "run", "--help"}}) {
    std::ostringstream out;
    std::streambuf* const old = std::cout.rdbuf(out.rdbuf());
    const int status = run(words);
    std::cout.rdbuf(old);
    CHECK(status == 0);
    CHECK(out.str().find("drill") != std::string::npos);
    if (words.size() != 2) CHECK(out.str().find("75 refused for now") != std::string::npos);
  }
  CHECK(calls == before);
}

TEST_CASE("wrong usage ends with 64 and calls nothing") {
  const int before = calls;
  for (const auto& arguments : std::vector<std::vector<const char*>>{
           {},
           {"drill"},
           {"drill", "run"},
           {"drill", "fly"},
           {"drill", "run", "x", "--seed", "1.5"},
           {"drill", "run", "x", "--seed", "0x10"},
           {"drill", "run", "x", "--seed", "010"},
           {"drill", "run", "x", "--seed", "+1"},
           {"drill", "run", "x", "--seed", ""},
           {"drill", "run", "x", "--seed", "-"},
           {"drill", "run", "x", "--seed", "99999999999999999999"},
           {"--seed", "1", "drill", "run", "x"},
           {"drill", "run", "x", "--sed", "1"},
           {"drill", "run", "x", "--rate", "0"},
           {"drill", "run", "x", "--rate", "100"},
           {"nonsense"},
           {"drill", "run", "x", "y"}}) {
    CHECK(run(arguments) == kUsage);
  }
  CHECK(calls == before);
}

TEST_CASE("a number that is out of bounds is told as it was typed") {
  std::ostringstream said;
  std::streambuf* const stderr_buffer = std::cerr.rdbuf(said.rdbuf());
  run({"drill", "run", "x", "--rate", "99999999999999999999"});
  std::cerr.rdbuf(stderr_buffer);
  CHECK(said.str().find("must be from 1 to 99, not 99999999999999999999") != std::string::npos);
}

TEST_CASE("what every command has may stand before it") {
  CHECK(run({"--json", "--state", "here", "drill", "run", "hang"}) == 7);
  CHECK(seen_json);
  CHECK(seen["--state"] == std::vector<std::string>{"here"});
  CHECK(seen["scenario"] == std::vector<std::string>{"hang"});
  CHECK(run({"--controller=http://a", "check", "--", "--json"}) == 7);
  CHECK(seen["--controller"] == std::vector<std::string>{"http://a"});
  CHECK(seen["file"] == std::vector<std::string>{"--json"});
  CHECK_FALSE(seen_json);
}

TEST_CASE("a mistyped noun or verb is answered with the nearest one and the list") {
  std::ostringstream said;
  std::streambuf* const stderr_buffer = std::cerr.rdbuf(said.rdbuf());
  run({"dril", "run"});
  run({"drill", "rum"});
  std::cerr.rdbuf(stderr_buffer);
  CHECK(said.str() ==
        "panshi: unknown command `dril` (did you mean `drill`?); known: drill, check, report\n"
        "panshi: unknown verb of drill `rum` (did you mean `run`?); known: run\n");
}

TEST_CASE("wrong usage is one JSON document on stdout where JSON is asked for") {
  std::ostringstream document;
  std::streambuf* const stdout_buffer = std::cout.rdbuf(document.rdbuf());
  run({"drill", "fly", "--json"});
  std::cout.rdbuf(stdout_buffer);
  const auto json = nlohmann::json::parse(document.str());
  CHECK(json["error"] == "unknown verb of drill `fly`; known: run");
}

TEST_CASE("every command has a summary, an example that starts as it does, and no name twice") {
  std::set<std::string> names;
  for (const Command& command : all_commands()) {
    const std::string name = command.noun + (command.verb.empty() ? "" : " " + command.verb);
    INFO(name);
    CHECK(names.insert(name).second);
    CHECK_FALSE(command.summary.empty());
    CHECK(command.example.starts_with("panshi " + name));
  }
}

TEST_CASE("help is no mistake") {
  CHECK(run({"--help"}) == 0);
  CHECK(run({"drill", "run", "--help"}) == 0);
}

}  // namespace
}  // namespace panshi::cli
