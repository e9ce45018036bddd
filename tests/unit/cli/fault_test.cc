// SPDX-License-Identifier: Apache-2.0
// Promise: `panshi fault` ends with what became of the fault, not with what was asked for.
#include <catch2/catch.hpp>

#include "cli/exit_codes.h"
#include "tests/unit/cli/fake_controller.h"

namespace panshi::cli {
namespace {

using nlohmann::json;

// A controller with one fault, as the test says it stands.
struct OneFault {
  OneFault() {
    controller.server.route("POST", "/api/v1/faults/f-1/revert", [this](const HttpRequest&) {
      return json_response({{"fault", "f-1"}, {"over", over}});
    });
    controller.server.route("POST", "/api/v1/faults", [](const HttpRequest&) {
      return json_response({{"fault", "f-1"}}, 201);
    });
    controller.server.route("GET", "/api/v1/status", [](const HttpRequest&) {
      return json_response({{"halted", false}});
    });
    controller.server.route("GET", "/api/v1/faults", [this](const HttpRequest&) {
      json shown = fault;
      if (++asked < settles_after) shown["state"] = "live";
      return json_response({{"faults", {shown}}});
    });
  }
  int run(std::vector<std::string> words) {
    asked = 0;
    words.insert(words.begin(), "fault");
    return controller.run(fault_commands(), std::move(words));
  }

  json fault = {{"id", "f-1"}, {"state", "reverted"}, {"reason", "asked"}};
  bool over = false;
  int settles_after = 0;
  int asked = 0;
  FakeController controller;
};

TEST_CASE("an answer of another form than any controller gives is said, and ends nothing badly") {
  FakeController odd;
  odd.server.route("POST", "/api/v1/fsck/n-1/clear", [](const HttpRequest&) {
    return json_response({{"cleared", {1, "rule x", nullptr}}});
  });
  odd.server.route("GET", "/api/v1/fsck/n-1", [](const HttpRequest&) {
    return json_response({{"leftovers", {{{"what", "rule x"}}}}});
  });
  CHECK(odd.run(fault_commands(), {"fault", "fsck", "n-1", "--clear", "--yes"}) == kPass);
  CHECK_THAT(odd.printed, Catch::Contains("cleared: rule x"));
}

TEST_CASE("a revert waits for the agent, and is not known while it is still tried") {
  OneFault one;
  one.settles_after = 3;
  CHECK(one.run({"revert", "f-1"}) == kPass);
  CHECK(one.controller.printed == "fault f-1 is reverted\n");
  one.fault = {{"id", "f-1"}, {"state", "live"}, {"revert_error", "the mount is busy"}};
  CHECK(one.run({"revert", "f-1", "--wait", "0"}) == kUnknown);
  CHECK(one.controller.said.find("not reverted yet: the mount is busy") != std::string::npos);
  one.over = true;
  CHECK(one.run({"revert", "f-1"}) == kPass);
}

TEST_CASE("a fault that another one was in the way of may be tried again, any other failed") {
  OneFault one;
  one.fault = {{"id", "f-1"}, {"state", "failed"}, {"reason", "why"}, {"not_now", true}};
  const std::vector<std::string> apply = {"apply",          "process.pause", "--target",
                                          "service=orders", "--for",         "5s"};
  CHECK(one.run(apply) == kRefused);
  one.fault["not_now"] = false;
  CHECK(one.run(apply) == kFail);
}

// What was sent to close something, and where.
struct Closed {
  Closed() {
    const auto note = [this](const HttpRequest& request) {
      path = request.path;
      sent = json::parse(request.body);
      return json_response(answer);
    };
    controller.server.route("POST", "/api/v1/faults/{id}/close", note);
    controller.server.route("POST", "/api/v1/nodes/{node}/faults/close", note);
  }
  int run(std::vector<std::string> words) {
    words.insert(words.begin(), {"fault", "close"});
    return controller.run(fault_commands(), std::move(words));
  }
  std::string path;
  json sent;
  json answer = {{"fault", "f-1"}};
  FakeController controller;
};

TEST_CASE("one fault is closed, against its agent's word only with --force") {
  Closed closed;
  CHECK(closed.run({"f-1", "--reason", "looked", "--by", "ann"}) == kPass);
  CHECK(closed.path == "/api/v1/faults/f-1/close");
  CHECK(closed.sent == json{{"by", "ann"}, {"reason", "looked"}});
  CHECK(closed.controller.printed == "fault f-1 is closed\n");
  CHECK(closed.run({"f-1", "--force", "--reason", "made up"}) == kPass);
  CHECK(closed.sent["force"] == true);
}

TEST_CASE("all faults of a node are closed at once, and those that are not are named") {
  Closed closed;
  closed.answer = {{"node", "app-1"}, {"closed", {"x1", "x2"}}, {"left", json::array()}};
  CHECK(closed.run({"--node", "app-1", "--all", "--reason", "taken over"}) == kPass);
  CHECK(closed.path == "/api/v1/nodes/app-1/faults/close");
  CHECK(closed.sent == json{{"by", "panshi"}, {"reason", "taken over"}});
  CHECK(closed.controller.printed == "app-1: 2 faults are closed: x1, x2\n");
  closed.answer = {{"node", "app-1"},
                   {"closed", json::array()},
                   {"left", {{{"fault", "f-1"}, {"why", "fault f-1 is known to its agent"}}}}};
  CHECK(closed.run({"--node", "app-1", "--all", "--reason", "x"}) == kFail);
  CHECK(closed.controller.said.find("not closed: fault f-1 is known to its agent") !=
        std::string::npos);
  CHECK(closed.run({"--node", "app-1", "--all", "--reason", "x", "--json"}) == kFail);
  CHECK(json::parse(closed.controller.printed) == closed.answer);
}

TEST_CASE("what is to be closed is said in one way, with a reason") {
  Closed closed;
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"--reason", "x"},
           {"f-1"},
           {"f-1", "--all", "--reason", "x"},
           {"--all", "--reason", "x"},
           {"--node", "app-1", "--reason", "x"},
           {"f-1", "--node", "app-1", "--all", "--reason", "x"}}) {
    CHECK(closed.run(words) == kUsage);
    CHECK(closed.path.empty());
  }
}

}  // namespace
}  // namespace panshi::cli
