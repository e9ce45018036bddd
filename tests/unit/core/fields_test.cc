// SPDX-License-Identifier: Apache-2.0
// Promise: every mistake in a document is reported, with its path and what was expected.
#include "core/json/fields.h"

#include <catch2/catch.hpp>

#include "core/base/struck.h"

namespace panshi {
namespace {

struct Step {
  std::string fault;
  std::int64_t percent = 100;
  Duration term{};
};

std::vector<std::string> mistakes(const nlohmann::json& json) {
  Step step;
  Problems problems;
  Fields in(json, "steps[2]", problems);
  in.need("fault", step.fault);
  in.may("percent", step.percent, {1, 100});
  in.may("for", step.term, {std::chrono::seconds(1), std::chrono::minutes(5)});
  in.done();
  std::vector<std::string> lines;
  for (const Problem& problem : problems.list()) {
    lines.push_back(problem.path + " " + problem.message);
  }
  return lines;
}

using Lines = std::vector<std::string>;

TEST_CASE("a typo is named with its path and the nearest known key") {
  CHECK(mistakes({{"fault", "x"}, {"precent", 5}}) ==
        Lines{"steps[2].precent is not a known field (did you mean `percent`?)"});
}

TEST_CASE("several mistakes are reported together") {
  CHECK(mistakes({{"percent", 3.9}, {"for", "10"}}).size() == 3);
}

TEST_CASE("a fraction is not taken for a whole number") {
  CHECK(mistakes({{"fault", "x"}, {"percent", 3.9}}) ==
        Lines{"steps[2].percent must be a whole number, not number `3.9`"});
}

TEST_CASE("bounds are named") {
  CHECK(mistakes({{"fault", "x"}, {"percent", 101}}) ==
        Lines{"steps[2].percent must be from 1 to 100, not 101"});
  CHECK(mistakes({{"fault", "x"}, {"for", "1h"}}) ==
        Lines{"steps[2].for must be from 1s to 5m, not 1h"});
  CHECK(mistakes({{"fault", "x"}, {"percent", 18446744073709551615U}}).size() == 1);
}

TEST_CASE("what is no object is said so once") {
  CHECK(mistakes(nlohmann::json::array()) == Lines{"steps[2] must be an object, not array `[]`"});
}

TEST_CASE("a value that is quoted and cut has no part of a secret") {
  never_show("quoted-secret-0123456789");
  for (std::size_t before = 0; before < 45; ++before) {
    const nlohmann::json wrong = {{std::string(before, 'x') + "quoted-secret-0123456789"}};
    const Lines said = mistakes({{"fault", wrong}});
    REQUIRE(said.size() == 1);
    INFO(said[0]);
    CHECK(said[0].find("quot") == std::string::npos);
  }
}

TEST_CASE("JSON from outside is bounded in size and depth") {
  CHECK(parse_json("{\"a\":1}").value().at("a") == 1);
  CHECK_FALSE(parse_json(std::string(65, '[') + std::string(65, ']')));
  CHECK(parse_json(std::string(60, '[') + std::string(60, ']')));
  CHECK_FALSE(parse_json("\"" + std::string(100, 'x') + "\"", 50));
  CHECK_FALSE(parse_json("{\"a\":"));
}

// A reader that goes through what a list holds at the end of each that is in it takes minutes here.
TEST_CASE("a text of nothing but empty objects costs what its length does, and has a bound") {
  const auto objects = [](std::size_t count) {
    std::string text = "[{}";
    for (std::size_t i = 1; i < count; ++i) text += ",{}";
    return parse_json(text + "]", 8 << 20);
  };
  const auto many = objects(499'999);
  REQUIRE(many);
  CHECK(many->size() == 499'999);
  const auto more = objects(500'000);  // and the list
  REQUIRE_FALSE(more);
  CHECK(more.error().message == "too many objects and lists: 500000 at most");
}

TEST_CASE("a zero byte does not end JSON") {
  const std::string text = "{\"a\":1}";
  for (const std::string& behind : {std::string(1, '\0'), std::string("\0{\"b\":2}", 8)}) {
    const auto read = parse_json(text + behind);
    REQUIRE_FALSE(read);
    CHECK(read.error().message == "not JSON: byte 8 is zero");
  }
}

TEST_CASE("JSON that gives one name two values is refused, with the name") {
  CHECK(parse_json(R"({"a":1,"b":{"a":2}})"));
  for (const char* text : {R"({"a":1,"a":1})", R"([{"x":{"b":0,"a":1,"a":2}}])"}) {
    const auto twice = parse_json(text);
    REQUIRE_FALSE(twice);
    CHECK(twice.error().message == "`a` is there twice");
  }
}

TEST_CASE("child output that is not UTF-8 is still shown") {
  CHECK(dump_json(nlohmann::json("a\xff")) == "\"a\xEF\xBF\xBD\"");
}

}  // namespace
}  // namespace panshi
