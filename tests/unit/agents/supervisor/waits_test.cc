// SPDX-License-Identifier: Apache-2.0
// Promise: who waits for a service is told once, of the state that was asked for and no earlier
// one.
#include "agents/supervisor/waits.h"

#include <catch2/catch.hpp>
#include <optional>

namespace panshi::agent {
namespace {

ServiceView view(ServiceState state, std::uint64_t starts = 1, bool wanted = true) {
  ServiceView service;
  service.name = "shop";
  service.state = state;
  service.starts = starts;
  service.wanted = wanted;
  return service;
}

// What a wait for `verb`, begun at `before`, has been told once the service is as in `after`.
std::optional<Status> told(const ServiceView& before, input::Verb verb, const ServiceView& after,
                           Duration passed = {}) {
  ServiceWaits waits;
  std::optional<Status> outcome;
  waits.add(before, verb, MonoTime(10s), [&](Status status) {
    CHECK_FALSE(outcome);
    outcome = std::move(status);
  });
  waits.look({after}, MonoTime(passed));
  waits.look({after}, MonoTime(passed));
  return outcome;
}

TEST_CASE("a restart waits for another start than the one it found") {
  const auto before = view(ServiceState::kReady, 1);
  CHECK_FALSE(told(before, input::Verb::kRestart, before));
  CHECK_FALSE(told(before, input::Verb::kRestart, view(ServiceState::kStopping, 1)));
  CHECK(told(before, input::Verb::kRestart, view(ServiceState::kReady, 2))->has_value());
}

TEST_CASE("a restart of a service that is being started waits for that start") {
  CHECK(told(view(ServiceState::kStarting, 3), input::Verb::kRestart, view(ServiceState::kReady, 3))
            ->has_value());
}

TEST_CASE("what can no longer come true is told at once") {
  auto given_up = view(ServiceState::kGaveUp);
  given_up.why = "ended with code 7";
  const auto outcome = told(view(ServiceState::kStarting), input::Verb::kStart, given_up);
  REQUIRE(outcome);
  CHECK(outcome->error().message == "given up: ended with code 7");
  CHECK_FALSE(told(view(ServiceState::kReady), input::Verb::kStop, view(ServiceState::kReady))
                  ->has_value());
}

TEST_CASE("a stop is done when the service has stopped") {
  const auto before = view(ServiceState::kReady);
  CHECK_FALSE(told(before, input::Verb::kStop, view(ServiceState::kStopping, 1, false)));
  CHECK(told(before, input::Verb::kStop, view(ServiceState::kStopped, 1, false))->has_value());
}

TEST_CASE("at the deadline the state of the service is told") {
  const auto outcome =
      told(view(ServiceState::kReady), input::Verb::kRestart, view(ServiceState::kStarting), 10s);
  REQUIRE(outcome);
  CHECK(outcome->error().code == ErrorCode::kTimeout);
  CHECK(outcome->error().message == "still starting");
}

}  // namespace
}  // namespace panshi::agent
