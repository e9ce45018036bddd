// SPDX-License-Identifier: Apache-2.0
// Promise: YAML becomes the JSON that its writer meant, every value keeps its place, and whatever
// could surprise (a key twice, an alias, a bomb) is refused with its line.
#include "core/io/yaml.h"

#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "core/json/fields.h"
#include "tests/support/temporary_folder.h"

namespace panshi {
namespace {

std::string refusal(const std::string& text) {
  const auto document = read_yaml(text, "x.yaml");
  if (document) return "accepted: " + dump_json(document->root);
  CHECK(document.error().code == ErrorCode::kInvalid);
  return document.error().message;
}

TEST_CASE("a scenario becomes JSON") {
  const auto document = read_yaml(
      "# a comment\n"
      "title: Lose a shard\n"
      "faults:\n"
      "  - kind: process.kill\n"
      "    for: 30s\n"
      "  - {kind: link.delay, percent: 12.5, hard: true, none: null, empty: }\n"
      "note: |\n"
      "  two\n"
      "  lines\n",
      "x.yaml");
  REQUIRE(document);
  CHECK(document->root == nlohmann::json::parse(R"({
    "title": "Lose a shard",
    "faults": [{"kind": "process.kill", "for": "30s"},
               {"kind": "link.delay", "percent": 12.5, "hard": true, "none": null, "empty": null}],
    "note": "two\nlines\n"})"));
}

TEST_CASE("only true, false, null and decimal numbers are not text") {
  const auto document =
      read_yaml("[yes, no, on, 012, 1e3, 0x1F, 1_000, .5, 10s, '7', \"true\", '']", "x.yaml");
  REQUIRE(document);
  for (const auto& value : document->root) {
    INFO(value);
    CHECK(value.is_string());
  }
  CHECK(read_yaml("[0, -12, 3.50, true, false, ~]", "x.yaml")->root ==
        nlohmann::json::parse("[0, -12, 3.5, true, false, null]"));
  CHECK(read_yaml("9223372036854775807", "x.yaml")->root == INT64_MAX);
  CHECK(refusal("a: 9223372036854775808") ==
        "x.yaml:1:4: the number 9223372036854775808 is too large");
}

TEST_CASE("what could surprise is refused with its place") {
  CHECK(refusal("a: 1\nb: 2\na: 3\n") == "x.yaml:3:1: `a` is here twice, first on line 1");
  CHECK(refusal("a: &x 1\nb: *x\n") ==
        "x.yaml:1:4: anchors (&name) are refused: write the value out");
  CHECK(refusal("a: !!int 1\n").find("the tag tag:yaml.org,2002:int is refused") !=
        std::string::npos);
  CHECK(refusal("a: 1\n---\nb: 2\n").find("several documents") != std::string::npos);
  CHECK(refusal("{[1]: 2}").find("a key must be text") != std::string::npos);
  CHECK(refusal("a: [1\n").starts_with("x.yaml:2:"));
  CHECK(refusal("a: 'b\nc: d\n").find("illegal EOF in scalar") != std::string::npos);
  CHECK(refusal("a: \"b\nc: d\n\n").find("illegal EOF in scalar") != std::string::npos);
  CHECK(refusal(std::string("a: \0b", 5)).starts_with("accepted: "));
}

TEST_CASE("an alias bomb, a deep nest and a flood of values are refused early") {
  std::string bomb = "a: &a [1, 1]\n";
  for (char name = 'b'; name < 'z'; ++name) {
    bomb += cat(name, ": &", name, " [*", static_cast<char>(name - 1), "]\n");
  }
  CHECK(refusal(bomb).find("anchors") != std::string::npos);
  CHECK(read_yaml(std::string(64, '[') + std::string(64, ']'), "x.yaml"));
  CHECK(refusal(std::string(65, '[') + std::string(65, ']')).find("64 levels") !=
        std::string::npos);
  CHECK(refusal(std::string(20'000, '[')).starts_with("x.yaml:1:1: "));
  std::string flood;
  for (int i = 0; i < 10'001; ++i) flood += "- 1\n";
  CHECK(refusal(flood).find("more than 10000 values") != std::string::npos);
  CHECK(refusal(std::string((1 << 20) + 1, ' ')).find("longer than") != std::string::npos);
}

TEST_CASE("an empty file is null, for the reader to refuse") {
  CHECK(read_yaml("", "x.yaml")->root.is_null());
  CHECK(read_yaml("# nothing\n", "x.yaml")->root.is_null());
}

TEST_CASE("problems are told by line, a missing key by its parent") {
  const auto document = read_yaml(
      "title: x\n"
      "faults:\n"
      "  - kind: a\n"
      "    for: 10parsecs\n"
      "  - kindd: b\n"
      "  -\n"
      "    target:\n"
      "      node: n\n",
      "x.yaml");
  REQUIRE(document);
  Problems problems;
  problems.add("faults[2].target.service", "is missing");
  problems.add("faults[1].kindd", "is unknown");
  problems.add("faults[0].for", "is no duration");
  problems.add("rules", "is missing");
  problems.add("", "is odd");
  CHECK(problems_text(problems, *document) ==
        "x.yaml:1:1: rules is missing\n"
        "x.yaml:1:1: is odd\n"
        "x.yaml:4:5: faults[0].for is no duration\n"
        "x.yaml:5:5: faults[1].kindd is unknown\n"
        "x.yaml:7:5: faults[2].target.service is missing");
}

TEST_CASE("a file is read under its own name") {
  const TemporaryFolder folder;
  CHECK(load_yaml(folder / "none.yaml").error().code == ErrorCode::kNotFound);
}

}  // namespace
}  // namespace panshi
