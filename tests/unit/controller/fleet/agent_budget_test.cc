// SPDX-License-Identifier: Apache-2.0
// Promise: a node that was taken over fills neither journal nor memory with what it says; an honest
// agent's backlog passes whole, and outcomes pass beside a flood.
#include "controller/fleet/agent_budget.h"

#include <catch2/catch.hpp>

#include "controller/fleet/agent_session.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

const AgentSession::Options kOfRogue{
    .node = "n-2", .url = "http://a", .token_file = {}, .lease = 3s, .poll = 1s, .lost_after = 2s};

Json probe_events(int count, const std::string& reason) {
  Json events = Json::array();
  for (int i = 0; i < count; ++i) {
    const Json data = {{"probe", "d1"}, {"service", "s"}, {"up", false}, {"reason", reason}};
    events.push_back({{"seq", i}, {"age_us", 0}, {"kind", "probe.changed"}, {"data", data}});
  }
  return events;
}

// An agent that was met, whose polls are answered with what a test says.
struct Flood {
  Flood() {
    needs.epoch = 1;
    needs.at = clock.mono();
    poll(Json::array());
    poll(Json::array());
  }

  // Answers until the next poll was answered with these; true: at once.
  bool poll(const Json& events) {
    const MonoTime asked = clock.mono();
    for (;;) {
      const auto call = session.next_call(needs, clock.mono());
      if (!call) {
        clock.advance(100ms);
        continue;
      }
      const bool is_poll = call->url.ends_with("/poll");
      if (!is_poll) ++statuses;
      const Json body = is_poll ? Json{{"start_id", start_id},
                                       {"next", ++next},
                                       {"events", events},
                                       {"samples", Json::array()}}
                                : Json{{"start_id", start_id}};
      const Instant at{clock.mono(), clock.wall()};
      session.answered(HttpReply{.status = 200, .body = body.dump()}, at, [&](const Letter& got) {
        take(got);
        return true;
      });
      if (is_poll) return clock.mono() == asked;
    }
  }
  void take(const Letter& letter) {
    const auto* batch = std::get_if<AgentEvents>(&letter.input);
    if (!batch) return;
    for (const auto& event : batch->events) bytes_in += event.data.dump().size();
    if (batch->dropped.any()) told.push_back(batch->dropped);
  }

  SimClock clock;
  Needs needs;
  AgentSession session{kOfRogue, {}};
  std::string start_id = "run-1";
  std::int64_t next = 0;
  int statuses = 0;
  std::size_t bytes_in = 0;
  std::vector<AgentFlood> told;
};

// Of two such an agent's bytes at once are gone.
Json large_flood() { return probe_events(75, std::string(60'000, 'x')); }

// How many of so many events, or samples, of one moment pass.
int passing(AgentBudget& budget, int count, const std::string& kind, const Json& data) {
  int passed = 0;
  for (int i = 0; i < count; ++i) passed += budget.take_event(kind, data) ? 1 : 0;
  return passed;
}
int passing_samples(AgentBudget& budget, int count) {
  int passed = 0;
  for (int i = 0; i < count; ++i) passed += budget.take_sample("d1.up") ? 1 : 0;
  return passed;
}

const Json kSmall = {{"probe", "d1"}, {"up", false}};

TEST_CASE("the whole backlog of an agent that was away for long passes") {
  const Json usual = {
      {"probe", "database-0-sql"}, {"service", "database-0"}, {"reason", std::string(200, 'x')}};
  AgentBudget budget;
  budget.fill(MonoTime(1s));
  CHECK(passing(budget, 10'000, "probe.changed", usual) == 10'000);
  CHECK(passing_samples(budget, 20'000) == 20'000);
  CHECK_FALSE(budget.untold(MonoTime(1s)).any());
}

TEST_CASE("of a flood so many events and samples pass as an honest agent has") {
  AgentBudget budget;
  budget.fill(MonoTime(1s));
  CHECK(passing(budget, 20'000, "probe.changed", kSmall) == 12'000);
  CHECK(passing_samples(budget, 50'000) == 40'000);
  CHECK(budget.untold(MonoTime(1s)).events == 8'000);
  budget.fill(MonoTime(11s));
  CHECK(passing(budget, 20'000, "probe.changed", kSmall) == 200);
  CHECK(passing_samples(budget, 50'000) == 40'000);
  CHECK_FALSE(budget.untold(MonoTime(60s)).any());
  CHECK(budget.untold(MonoTime(61s)).events == 19'800);
}

TEST_CASE("outcomes pass beside a flood of the same node, and a flood of them does not") {
  AgentBudget budget;
  budget.fill(MonoTime(1s));
  CHECK(passing(budget, 20'000, "service.exited", kSmall) < 20'000);
  CHECK(passing(budget, 1, "fault.reverted", kSmall) == 1);
  CHECK(passing(budget, 10'000, "action.done", kSmall) == 3'999);
  CHECK(passing(budget, 1, "fault.live", kSmall) == 0);
}

TEST_CASE("an event that is larger than any honest one is dropped, others go on") {
  AgentBudget budget;
  budget.fill(MonoTime(1s));
  CHECK_FALSE(budget.take_event("probe.changed", std::string(64 << 10, 'x')));
  CHECK_FALSE(budget.take_event(std::string(64 << 10, 'x'), Json::object()));
  CHECK_FALSE(budget.take_event("action.done", std::string(512 << 10, 'x')));
  CHECK_FALSE(budget.take_sample(std::string(257, 'n')));
  CHECK(budget.take_event("probe.changed", kSmall));
  CHECK(budget.take_event("action.done", std::string(128 << 10, 'x')));
}

TEST_CASE("who floods is cut, told of, called more slowly, and asked for its state afterwards") {
  Flood agent;
  const int before = agent.statuses;
  for (int i = 0; i < 2; ++i) CHECK(agent.poll(large_flood()));
  const Json more = probe_events(5, std::string(60'000, 'x'));
  for (int i = 0; i < 5; ++i) CHECK_FALSE(agent.poll(more));
  CHECK(agent.bytes_in > 8'000'000);
  CHECK(agent.bytes_in < 8'500'000);
  REQUIRE(agent.told.size() == 1);
  CHECK(agent.told[0].events == 150 - 139);
  CHECK(agent.statuses == before);
  agent.clock.advance(1min);
  agent.poll(Json::array());
  agent.poll(Json::array());
  REQUIRE(agent.told.size() == 2);
  CHECK(agent.told[1].events > 20);
  CHECK(agent.statuses == before + 1);
  CHECK(agent.session.up());
}

TEST_CASE("an agent that is another run at each poll is asked for its state every two seconds") {
  Flood agent;
  const MonoTime begun = agent.clock.mono();
  for (int i = 0; agent.clock.mono() < begun + 5min; ++i) {
    agent.start_id = cat("run-", i);
    agent.poll(Json::array());
    agent.clock.advance(10ms);
  }
  CHECK(agent.statuses > 128);
  CHECK(agent.statuses < 128 + 152);
}

TEST_CASE("what the loop had no room for is not counted twice") {
  AgentSession session(kOfRogue, {.node = "n-2", .start_id = "run-1", .after = 1});
  SimClock clock;
  Needs needs;
  needs.epoch = 1;
  std::size_t taken = 0;
  const Json body = {
      {"start_id", "run-1"}, {"next", 2}, {"events", large_flood()}, {"samples", Json::array()}};
  for (int i = 0; i < 2; ++i) {
    clock.advance(1s);
    REQUIRE(session.next_call(needs, clock.mono()));
    session.answered(HttpReply{.status = 200, .body = body.dump()}, {clock.mono(), clock.wall()},
                     [&](const Letter& letter) {
                       if (i == 1) taken += std::get<AgentEvents>(letter.input).events.size();
                       return i == 1;
                     });
  }
  CHECK(taken == 75);
}

}  // namespace
}  // namespace panshi::controller
