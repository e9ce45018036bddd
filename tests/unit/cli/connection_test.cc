// SPDX-License-Identifier: Apache-2.0
// Promise: the exit code tells what may be tried again, and what answers is a controller.
#include <catch2/catch.hpp>

#include "cli/exit_codes.h"
#include "tests/unit/cli/fake_controller.h"

namespace panshi::cli {
namespace {

int refused_with(const char* code, const char* why) {
  FakeController controller;
  controller.server.route("POST", "/api/v1/drills/d-1/abort", [=](const HttpRequest&) {
    return json_response({{"code", code}, {"error", why}}, 409);
  });
  const int status = controller.run(drill_commands(), {"drill", "abort", "d-1"});
  CHECK(controller.said == cat("panshi: ", why, "\n"));
  return status;
}

TEST_CASE("what is over is not refused for now: it would be in vain again") {
  CHECK(refused_with("over", "drill d-1 is over") == kFail);
  CHECK(refused_with("refused", "halted") == kRefused);
  CHECK(refused_with("conflict", "a run acts on it") == kRefused);
}

TEST_CASE("another web server at the address is no controller that refuses something") {
  FakeController other;
  const auto page = [](int status) {
    HttpResponse response;
    response.status = status;
    response.body = "<html>It works!</html>";
    return response;
  };
  other.server.route("GET", "/api/v1/status", [&](const HttpRequest&) { return page(200); });
  other.server.route("GET", "/api/v1/drills", [&](const HttpRequest&) { return page(404); });
  CHECK(other.run(status_commands(), {"status"}) == kUnreachable);
  CHECK(other.said.find("is it the right address?") != std::string::npos);
  CHECK(other.run(drill_commands(), {"drill", "list"}) == kUnreachable);
  CHECK(other.said.find("answered (HTTP 404)") != std::string::npos);
}

TEST_CASE("a token goes to another host without TLS only when somebody says so") {
  FakeController here;
  const auto run = [&](std::vector<const char*> words) {
    const std::string token = here.token.string();
    words.insert(words.begin(), "panshi");
    // Reserved for documents: nobody answers there (RFC 5737).
    words.insert(words.end(),
                 {"--controller", "http://192.0.2.1:1", "--token-file", token.c_str()});
    const FakeController::Diverted said(stderr, here.folder / "error");
    const int status =
        parse_and_run(status_commands(), static_cast<int>(words.size()), words.data());
    return std::pair(status, said.text());
  };
  const auto [status, said] = run({"status"});
  CHECK(status == kNotAllowed);
  CHECK_THAT(said, Catch::Contains("no token was sent: http://192.0.2.1:1 is another host"));
  CHECK_THAT(said, Catch::Contains("or --insecure"));
  CHECK(run({"status", "--insecure"}).first == kUnreachable);
}

TEST_CASE("a folder is no scenario, and an empty word names nothing") {
  FakeController controller;
  CHECK(controller.run(drill_commands(), {"drill", "run", controller.folder.path().string()}) ==
        kUsage);
  CHECK(controller.said.find("is a folder: give one scenario of it") != std::string::npos);
  CHECK(controller.run(fault_commands(), {"fault", "revert", ""}) == kUsage);
  CHECK(controller.said.find("fault: is empty") != std::string::npos);
}

TEST_CASE("a missed drill day and what keeps an incident open are told where people look") {
  FakeController controller;
  const nlohmann::json missed = {{"drill_day", "weekly"},
                                 {"due_us", 1'764'000'000'000'000},
                                 {"why", "hang was not started: halted"}};
  controller.server.route("GET", "/api/v1/status", [&](const HttpRequest&) {
    return json_response(
        {{"open_incidents", 1},
         {"incidents",
          {{{"id", "i-3"}, {"waits_for", {"service r7 of n7 is well: it was given up"}}}}},
         {"missed_days", {missed}},
         {"insecure", {"controller", "n-1"}}});
  });
  controller.server.route("GET", "/api/v1/schedule", [&](const HttpRequest&) {
    return json_response(
        {{"drill_days", {{{"name", "weekly"}, {"held", ""}, {"missed", missed}}}}});
  });
  controller.server.route("GET", "/api/v1/incidents/i-3", [](const HttpRequest&) {
    return json_response(
        {{"id", "i-3"}, {"opened_us", 1'764'000'000'000'000}, {"waits_for", {"rule slow clears"}}});
  });
  const auto says = [&](const std::vector<Command>& commands, std::vector<std::string> words,
                        const char* text) {
    CHECK(controller.run(commands, std::move(words)) == kPass);
    INFO(controller.printed);
    CHECK(controller.printed.find(text) != std::string::npos);
  };
  says(status_commands(), {"status"}, "i-3 waits until service r7 of n7 is well: it was given up");
  says(status_commands(), {"status"},
       "weekly missed 2025-11-24 16:00:00 (UTC): hang was not started: halted");
  says(status_commands(), {"status"}, "controller, n-1: served beyond this host without TLS");
  says(schedule_commands(), {"schedule", "list"},
       "missed 2025-11-24 16:00:00: hang was not started: halted");
  says(schedule_commands(), {"schedule", "show", "weekly"}, "2025-11-24 16:00:00");
  says(incident_commands(), {"incident", "show", "i-3"}, "opened (UTC)  2025-11-24 16:00:00");
  says(incident_commands(), {"incident", "show", "i-3"}, "waits until rule slow clears");
}

TEST_CASE("without drill days there is none to choose from") {
  FakeController controller;
  controller.server.route("GET", "/api/v1/schedule", [](const HttpRequest&) {
    return json_response({{"drill_days", nlohmann::json::array()}});
  });
  CHECK(controller.run(schedule_commands(), {"schedule", "draw", "--seed", "1"}) == kUsage);
  CHECK(controller.said == "panshi: there are no drill days\n");
}

}  // namespace
}  // namespace panshi::cli
