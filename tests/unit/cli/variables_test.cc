// SPDX-License-Identifier: Apache-2.0
// Promise: variables are replaced everywhere in a text, and an unknown one is never passed on.
#include "cli/lab/variables.h"

#include <catch2/catch.hpp>

#include "core/base/text.h"

namespace panshi::cli {
namespace {

Result<std::string> known(const std::string& name, const std::optional<std::string>& argument) {
  if (name == "lab") return std::string("/a b");
  if (name == "address") return argument ? "at-" + *argument : std::string("here");
  return fail(ErrorCode::kInvalid, "unknown variable " + name);
}

std::string expanded(std::string_view text, std::size_t mistakes_expected = 0) {
  std::vector<UnknownVariable> mistakes;
  std::string out = expand_text(text, known, mistakes);
  CHECK(mistakes.size() == mistakes_expected);
  return out;
}

TEST_CASE("variables are replaced, with and without an argument") {
  CHECK(expanded("${lab}/x ${address}:1 ${address:keys-1}") == "/a b/x here:1 at-keys-1");
  CHECK(expanded("no variables, $ and {} stay") == "no variables, $ and {} stay");
  CHECK(expanded("").empty());
}

TEST_CASE("$${ stands for the characters themselves") {
  CHECK(expanded("$${lab}") == "${lab}");
  CHECK(expanded("a$${b} ${lab}") == "a${b} /a b");
}

TEST_CASE("an unknown variable and an unclosed one are mistakes with their line") {
  std::vector<UnknownVariable> mistakes;
  expand_text("one\ntwo ${nope}\nthree ${lab", known, mistakes);
  REQUIRE(mistakes.size() == 2);
  CHECK(mistakes[0].line == 2);
  CHECK(mistakes[1].line == 3);
}

TEST_CASE("every text within JSON is replaced and a mistake has its path") {
  nlohmann::json json = {{"a", {"${lab}", 1}}, {"b", {{"c", "${nope}"}}}};
  Problems problems;
  expand_json(json, "", known, problems);
  CHECK(json["a"][0] == "/a b");
  CHECK(json["a"][1] == 1);
  REQUIRE(problems.list().size() == 1);
  CHECK(problems.list()[0].path == "b.c");
}

TEST_CASE("a node's own values win over the defaults, key by key") {
  const nlohmann::json base = {{"limits", {{"a", 1}, {"b", 2}}}, {"list", {1, 2}}};
  const nlohmann::json over = {{"limits", {{"b", 3}}}, {"list", {9}}, {"new", true}};
  const nlohmann::json expected = {{"limits", {{"a", 1}, {"b", 3}}}, {"list", {9}}, {"new", true}};
  CHECK(merged(base, over) == expected);
}

}  // namespace
}  // namespace panshi::cli
