// SPDX-License-Identifier: Apache-2.0
// The promise under test: what a fault of the queue could not undo exactly, it does not begin.
#include <catch2/catch.hpp>

#include "agents/faults/fault.h"
#include "tests/unit/agents/faults/fake_host.h"

namespace panshi::agent {
namespace {

std::unique_ptr<Fault> make(const std::string& kind, FakeHost& host,
                            const nlohmann::json& params = nullptr) {
  Problems problems;
  const auto request =
      read_request(**find_kind(kind), "f1", sample_target(kind),
                   params.is_null() ? sample_params(kind, host) : params, problems);
  REQUIRE(problems.empty());
  return (*find_kind(kind))->make(request, host);
}

TEST_CASE("a server that does not lead the stream at that moment is not stopped as its leader") {
  FakeHost host;
  host.nats.leader = "data-2";
  const auto refused = make("queue.leader-stop", host)->resolve();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kRefused);
  CHECK_THAT(refused.error().message, Catch::Contains("is led by data-2 now, not by data-1"));
}

TEST_CASE("a stream is not filled where that could not be undone to the message") {
  FakeHost host;
  const auto why = [&] {
    const auto refused = make("queue.fill", host)->resolve();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kRefused);
    return refused.error().message;
  };
  host.nats.filter = "fill.>";
  CHECK_THAT(why(), Catch::Contains("has a consumer that takes fill.panshi: worker"));
  host.nats.filter = "order.*";
  host.nats.held_before = 1;
  CHECK_THAT(why(), Catch::Contains("holds messages of fill.panshi already"));
  host.nats.held_before = 0;
  host.nats.config["max_bytes"] = 16 << 20;  // what is there and what it adds do not fit
  CHECK_THAT(why(), Catch::Contains("has a bound that this would pass"));
  host.nats.config["retention"] = "interest";
  CHECK_THAT(why(), Catch::Contains("keeps only what somebody is to take"));
  host.nats.config["subjects"] = {"order.*"};
  CHECK_THAT(why(), Catch::Contains("takes no subject fill.panshi"));
}

}  // namespace
}  // namespace panshi::agent
