// SPDX-License-Identifier: Apache-2.0
// Promise: what is typed after `panshi link` reaches the controller as its API wants it, and the
// command ends with what the agent made of it.
#include <catch2/catch.hpp>

#include "cli/exit_codes.h"
#include "tests/unit/cli/fake_controller.h"

namespace panshi::cli {
namespace {

using nlohmann::json;

// A controller that remembers the last order, and tells the outcome that the test gives.
struct OneLink {
  OneLink() {
    HttpServer& server = controller.server;
    for (const std::string order : {"drain", "undrain", "weights"}) {
      server.route("POST", cat("/api/v1/links/", order), [this, order](const HttpRequest& request) {
        verb = order;
        body = json::parse(request.body);
        return json_response({{"effect", "e-7"}});
      });
    }
    server.route("GET", "/api/v1/status", [](const HttpRequest&) {
      return json_response({{"journal_seq", 41}});
    });
    server.route("GET", "/api/v1/agents/n", [this](const HttpRequest&) {
      return json_response({{"up", agent_is_up}});
    });
    server.route("GET", "/api/v1/events", [this](const HttpRequest& request) {
      const bool is_first = request.query.at("after") == "41";
      json of_another = {{"effect", "e-6"}, {"outcome", "ok"}};
      json event = {{"kind", "effect.done"}, {"data", is_first ? std::move(of_another) : outcome}};
      return json_response({{"events", {std::move(event)}}, {"next", 42}});
    });
  }
  int run(std::vector<std::string> words) {
    words.insert(words.begin(), "link");
    return controller.run(link_commands(), std::move(words));
  }

  std::string verb;
  json body;
  json outcome = {{"effect", "e-7"}, {"outcome", "ok"}, {"detail", ""}};
  bool agent_is_up = true;
  FakeController controller;
};

TEST_CASE("a drain names node, link and upstream, and gives what is open thirty seconds") {
  OneLink link;
  const std::vector<std::string> words = {"drain", "--node", "n", "--link", "l", "--upstream", "a"};
  json expected = {{"node", "n"}, {"link", "l"}, {"upstream", "a"}, {"within", "30s"}};
  CHECK(link.run(words) == kPass);
  CHECK(link.verb == "drain");
  CHECK(link.body == expected);
}

TEST_CASE("an undrain names node, link and upstream") {
  OneLink link;
  CHECK(link.run({"undrain", "--node", "n", "--link", "l", "--upstream", "a"}) == kPass);
  CHECK(link.verb == "undrain");
  CHECK(link.body == json({{"node", "n"}, {"link", "l"}, {"upstream", "a"}}));
}

TEST_CASE("weights are numbers by upstream, what is no weight orders nothing") {
  OneLink link;
  CHECK(link.run({"weights", "--node", "n", "--link", "l", "--set", "a=3,b=0"}) == kPass);
  CHECK(link.body["weights"] == json({{"a", 3}, {"b", 0}}));
  OneLink untouched;
  for (const std::string wrong : {"a", "a=", "a=-1", "a=3x"}) {
    CHECK(untouched.run({"weights", "--node", "n", "--link", "l", "--set", wrong}) == kUsage);
  }
  CHECK(untouched.verb.empty());
}

TEST_CASE("the command ends with what the agent made of it, and says why") {
  OneLink link;
  std::vector<std::string> words = {"weights", "--node", "n", "--link", "l", "--set", "a=0"};
  const auto told = [&](const char* word, const char* detail) {
    link.outcome = {{"effect", "e-7"}, {"outcome", word}, {"detail", detail}};
  };
  told("failed", "at least one weight must be above 0");
  CHECK(link.run(words) == kFail);
  CHECK(link.controller.printed.empty());
  CHECK(link.controller.said ==
        "panshi: agent n did not do it: at least one weight must be above 0\n");
  told("unknown", "no answer within its time");
  CHECK(link.run(words) == kUnknown);
  link.agent_is_up = false;
  told("failed", "connection refused");
  CHECK(link.run(words) == kUnreachable);
  words.emplace_back("--json");
  CHECK(link.run(words) == kUnreachable);
  CHECK(json::parse(link.controller.printed) == link.outcome);
}

}  // namespace
}  // namespace panshi::cli
