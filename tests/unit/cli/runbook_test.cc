// SPDX-License-Identifier: Apache-2.0
// Promise: what a run of a runbook came to can be seen, and waited for.
#include <catch2/catch.hpp>

#include "cli/exit_codes.h"
#include "tests/unit/cli/fake_controller.h"

namespace panshi::cli {
namespace {

using nlohmann::json;

// A controller with one run, which has its outcome when it was asked for often enough.
struct OneRun {
  OneRun() {
    controller.server.route("POST", "/api/v1/runbooks/repair/run", [](const HttpRequest&) {
      return json_response({{"run", "r-5"}});
    });
    controller.server.route("GET", "/api/v1/runs/r-5", [this](const HttpRequest&) {
      json shown = run;
      if (++asked < ends_after) shown["outcome"] = nullptr;
      return json_response(shown);
    });
    controller.server.route("GET", "/api/v1/runs", [this](const HttpRequest&) {
      return json_response({{"runs", {run}}});
    });
  }
  int type(std::vector<std::string> words) {
    asked = 0;
    words.insert(words.begin(), "runbook");
    return controller.run(runbook_commands(), std::move(words));
  }
  bool prints(const std::string& text) const {
    return controller.printed.find(text) != std::string::npos;
  }

  json run = {{"id", "r-5"},
              {"runbook", "repair"},
              {"outcome", "failed"},
              {"why", "fix: failed (ended with code 127; it wrote: fix.sh: not found)"},
              {"steps",
               {{{"name", "fix"},
                 {"kind", "script"},
                 {"attempt", 1},
                 {"outcome", "failed"},
                 {"detail", "ended with code 127; it wrote: fix.sh: not found"}}}}};
  int ends_after = 0;
  int asked = 0;
  FakeController controller;
};

TEST_CASE("a run is shown with its outcome and its steps, and listed") {
  OneRun one;
  CHECK(one.type({"show", "r-5"}) == kPass);
  CHECK(one.prints("run r-5 of repair: failed"));
  CHECK(one.prints("fix.sh: not found"));
  CHECK(one.type({"runs"}) == kPass);
  CHECK(one.prints("r-5"));
  CHECK(one.type({"runs", "--json"}) == kPass);
  CHECK(json::parse(one.controller.printed)["runs"][0] == one.run);
}

TEST_CASE("a run that is waited for ends with its outcome") {
  OneRun one;
  one.ends_after = 3;
  CHECK(one.type({"run", "repair"}) == kPass);
  CHECK(one.type({"run", "repair", "--wait", "10"}) == kFail);
  CHECK(one.type({"run", "repair", "--wait", "0"}) == kUnknown);
  CHECK(one.controller.said.find("run r-5 goes on") != std::string::npos);
  one.run["outcome"] = "ok";
  CHECK(one.type({"run", "repair", "--wait", "10"}) == kPass);
}

}  // namespace
}  // namespace panshi::cli
