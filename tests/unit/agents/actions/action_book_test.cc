// SPDX-License-Identifier: Apache-2.0
// Promise: an action is acted on once per id, whatever restarts, and how it ended is remembered.
#include "agents/actions/action_book.h"

#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "tests/support/temporary_folder.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

ActionBook reopened(const TemporaryFolder& folder, std::size_t kept_max = 1'000) {
  auto book = ActionBook::open(folder / "actions", kept_max);
  REQUIRE(book);
  return std::move(*book);
}

TEST_CASE("a result is there again after a restart") {
  TemporaryFolder folder;
  const json order = {{"kind", "script"}};
  {
    ActionBook book = reopened(folder);
    REQUIRE(book.begin("a1", "script", order));
    CHECK(book.get("a1")->at("state") == "running");
    REQUIRE(book.finish("a1", {true, "", {{"exit_code", 0}}, std::chrono::milliseconds(5)}));
  }
  const ActionBook book = reopened(folder);
  CHECK(book.get("a1").value() == json{{"id", "a1"},
                                       {"kind", "script"},
                                       {"state", "ok"},
                                       {"error", ""},
                                       {"result", {{"exit_code", 0}}},
                                       {"duration_us", 5'000}});
  CHECK(book.check_same("a1", order));
  CHECK(book.check_same("a1", {{"kind", "stop"}}).error().code == ErrorCode::kConflict);
}

TEST_CASE("what ran when the agent died has failed") {
  TemporaryFolder folder;
  {
    ActionBook book = reopened(folder);
    REQUIRE(book.begin("a1", "script", json::object()));
  }
  for (int restart = 0; restart < 2; ++restart) {
    const ActionBook book = reopened(folder);
    CHECK(book.running() == 0);
    CHECK(book.get("a1")->at("state") == "failed");
    CHECK(book.get("a1")->at("error") == "agent restarted");
  }
}

TEST_CASE("the oldest that has ended is forgotten first, over restarts too") {
  TemporaryFolder folder;
  {
    ActionBook book = reopened(folder, 3);
    for (int i = 0; i < 5; ++i) {
      const std::string id = cat("a", i);
      REQUIRE(book.begin(id, "mark", json::object()));
      if (i > 0) REQUIRE(book.finish(id, {true, "", json::object(), {}}));
    }
    CHECK(book.knows("a0"));  // still running
    CHECK_FALSE(book.knows("a1"));
    CHECK(book.get("a1").error().code == ErrorCode::kNotFound);
  }
  ActionBook book = reopened(folder, 3);
  REQUIRE(book.begin("b", "mark", json::object()));
  CHECK(book.list(10).size() == 3);
  CHECK(book.list(10)[0]["id"] == "b");
  CHECK(book.knows("a4"));
  CHECK_FALSE(book.knows("a0"));
}

}  // namespace
}  // namespace panshi::agent
