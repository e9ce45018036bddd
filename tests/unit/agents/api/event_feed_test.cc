// SPDX-License-Identifier: Apache-2.0
// Promise: whoever waits is told of what happened at once, and of what belongs together in one
// answer.
#include "agents/api/event_feed.h"

#include <catch2/catch.hpp>
#include <future>
#include <optional>

#include "core/json/fields.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;

PollRequest after(const EventFeed& feed, std::uint64_t seq) {
  return {.start_id = feed.start_id(), .after = seq, .wait = 10s, .watches = {}};
}

TEST_CASE("an event and the sample that goes with it are told in one answer") {
  const SystemClock clock;
  EventFeed feed(clock, "run-1");
  feed.add_event("agent.started", {});
  std::optional<EventFeed::Together> outer(feed);
  std::optional<EventFeed::Together> inner(feed);  // as often as one likes
  outer.reset();
  feed.add_event("service.exited", {{"service", "s-1"}});
  auto answered =
      std::async(std::launch::async, [&] { return parse_json(feed.poll(after(feed, 1))).value(); });
  CHECK(answered.wait_for(20ms) == std::future_status::timeout);
  feed.add_samples({{"s-1.up", 0, clock.mono()}});
  inner.reset();
  const auto answer = answered.get();
  CHECK(answer.at("events").size() == 1);
  CHECK(answer.at("samples").size() == 1);
}

TEST_CASE("an event wakes whoever waits for one") {
  const SystemClock clock;
  EventFeed feed(clock, "run-1");
  auto answered =
      std::async(std::launch::async, [&] { return parse_json(feed.poll(after(feed, 0))).value(); });
  feed.add_event("service.exited", {{"service", "s-1"}});
  const auto answer = answered.get();
  CHECK(answer.at("events").at(0).at("kind") == "service.exited");
}

}  // namespace
}  // namespace panshi::agent
