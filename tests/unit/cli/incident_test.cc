// SPDX-License-Identifier: Apache-2.0
// Promise: a list of incidents fits where it is shown, whatever an agent wrote into a title, and a
// program gets the whole of it.
#include <catch2/catch.hpp>

#include "cli/exit_codes.h"
#include "tests/unit/cli/fake_controller.h"

namespace panshi::cli {
namespace {

TEST_CASE("a title of two thousand columns is cut for people and whole for programs") {
  const std::string title(2'000, 'x');
  FakeController controller;
  controller.server.route("GET", "/api/v1/incidents", [&](const HttpRequest&) {
    return json_response({{"incidents", {{{"id", "i-1"}, {"state", "open"}, {"title", title}}}}});
  });
  CHECK(controller.run(incident_commands(), {"incident", "list"}) == kPass);
  for (const std::string& line : split(controller.printed, '\n')) {
    INFO(line);
    CHECK(columns_of(line) <= 240);
  }
  CHECK(controller.printed.find("xxx…") != std::string::npos);
  CHECK(controller.run(incident_commands(), {"incident", "list", "--json"}) == kPass);
  CHECK(controller.printed.find(title) != std::string::npos);
}

}  // namespace
}  // namespace panshi::cli
