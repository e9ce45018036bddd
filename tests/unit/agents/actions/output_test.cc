// SPDX-License-Identifier: Apache-2.0
// Promise: what a script or program wrote is told without secrets, the last 64 KiB of it, and of a
// secret that begins before them nothing is left.
#include <catch2/catch.hpp>

#include "agents/actions/action_desk.h"
#include "agents/limits.h"
#include "core/base/struck.h"

namespace panshi::agent {
namespace {

TEST_CASE("of a secret at the cut of an output nothing is told") {
  const std::string secret = "output-secret-0123456789";
  never_show(secret);
  for (std::size_t shown = 0; shown <= secret.size(); ++shown) {
    ScriptResult script;
    script.output = "begin " + secret + std::string(limits::kActionOutputMax - shown, '.');
    const std::string told = script_result(script, false).at("output");
    INFO(shown << ": " << told.substr(0, 30));
    CHECK(told.size() <= limits::kActionOutputMax);
    // Its mark, or the end of it where the mark itself is cut.
    const std::string before = told.substr(0, told.find('.'));
    CHECK(std::string("(struck out)").ends_with(before));
    CHECK(before.empty() == (shown == 0));
  }
}

TEST_CASE("a secret in what a program says as JSON is struck out, a number too") {
  never_show("said-secret-0123456789");
  never_show("5550123456");
  ScriptResult script;
  script.output = "{\"a\": [\"said-secret-0123456789\", 5550123456, 5], \"b\": true}\n";
  CHECK(script_result(script, true).at("output_json") ==
        nlohmann::json{{"a", {"(struck out)", "(struck out)", 5}}, {"b", true}});
}

}  // namespace
}  // namespace panshi::agent
