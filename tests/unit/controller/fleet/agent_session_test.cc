// SPDX-License-Identifier: Apache-2.0
// Promise: nothing an agent says is missed or taken in twice, its silence is noticed once, and only
// a living loop renews leases.
#include "controller/fleet/agent_session.h"

#include <catch2/catch.hpp>

#include "core/json/fields.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;

const AgentSession::Options kOptions{.node = "keys-1",
                                     .url = "http://a",
                                     .token_file = "keys-1.token",
                                     .lease = 3s,
                                     .poll = 1s,
                                     .lost_after = 2s};

nlohmann::json poll_answer(const std::string& start_id, std::int64_t next,
                           nlohmann::json events = nlohmann::json::array()) {
  return {{"start_id", start_id},
          {"next", next},
          {"lost", false},
          {"events", std::move(events)},
          {"samples", nlohmann::json::array()}};
}

nlohmann::json one_event(const std::string& kind, std::int64_t age_us = 0) {
  return {{{"seq", 1}, {"age_us", age_us}, {"kind", kind}, {"data", {{"service", "s"}}}}};
}

// A session with a clock; `said` is what reached the loop.
struct Talk {
  explicit Talk(AgentCursor from = {}) : session(kOptions, std::move(from)) {
    needs.epoch = 4;
    needs.at = clock.mono();
  }

  // The next call's path, "" when none is due.
  std::string call() {
    const auto next = session.next_call(needs, clock.mono());
    if (!next) return "";
    body = next->body.empty() ? nlohmann::json() : nlohmann::json::parse(next->body);
    return next->url.substr(kOptions.url.size());
  }
  void answer(const nlohmann::json& json, int status = 200) {
    session.answered(HttpReply{.status = status, .body = json.dump()}, now(), deliver());
  }
  void no_answer(ErrorCode code = ErrorCode::kUnavailable) {
    session.answered(fail(code, "refused"), now(), deliver());
  }
  void tick() { session.tick(clock.mono(), deliver()); }
  Instant now() const { return {clock.mono(), clock.wall()}; }
  Deliver deliver() {
    return [this](Letter letter) {
      if (!loop_busy) said.push_back(std::move(letter));
      return !loop_busy;
    };
  }
  void meet(const std::string& start_id) {
    REQUIRE(call() == "/v1/poll");
    answer(poll_answer(start_id, 1));
    REQUIRE(call() == "/v1/status");
    answer({{"start_id", start_id}});
  }

  SimClock clock;
  Needs needs;
  AgentSession session;
  std::vector<Letter> said;
  nlohmann::json body;
  bool loop_busy = false;
};

TEST_CASE("a first contact takes the agent as it is, not its past") {
  Talk talk;
  REQUIRE(talk.call() == "/v1/poll");
  CHECK(talk.body["wait_ms"] == 0);
  CHECK(talk.body["start_id"] == "");
  talk.answer(poll_answer("run-1", 9, one_event("service.exited")));
  CHECK(talk.said.empty());
  REQUIRE(talk.call() == "/v1/status");
  CHECK_FALSE(talk.session.up());
  talk.answer({{"start_id", "run-1"}});
  CHECK(talk.session.up());
  REQUIRE(talk.said.size() == 1);
  CHECK(std::get<AgentState>(talk.said[0].input).node == "keys-1");
  CHECK(talk.said[0].cursor->after == 9);
  REQUIRE(talk.call() == "/v1/poll");
  CHECK(talk.body["wait_ms"] == 1000);
  CHECK(talk.body["after"] == 9);
}

TEST_CASE("after a restart of the controller the events missed come before the state") {
  Talk talk({.node = "keys-1", .start_id = "run-1", .after = 7});
  REQUIRE(talk.call() == "/v1/poll");
  CHECK(talk.body["start_id"] == "run-1");
  CHECK(talk.body["after"] == 7);
  talk.answer(poll_answer("run-1", 8, one_event("fault.reverted", 1500)));
  REQUIRE(talk.said.size() == 1);
  const auto& batch = std::get<AgentEvents>(talk.said[0].input);
  CHECK(batch.events[0].kind == "fault.reverted");
  CHECK(batch.events[0].at == talk.clock.wall() - 1500us);
  CHECK(talk.said[0].cursor->after == 8);
  CHECK(talk.call() == "/v1/status");
}

TEST_CASE("events that the loop has no room for are asked for again") {
  Talk talk;
  talk.meet("run-1");
  talk.said.clear();
  REQUIRE(talk.call() == "/v1/poll");
  talk.loop_busy = true;
  talk.answer(poll_answer("run-1", 5, one_event("service.exited")));
  CHECK(talk.call().empty());  // after a pause
  talk.loop_busy = false;
  talk.clock.advance(1s);
  REQUIRE(talk.call() == "/v1/poll");
  CHECK(talk.body["after"] == 1);
}

TEST_CASE("what an agent says happened is no older than its last word, and no younger than now") {
  Talk talk;
  talk.meet("run-1");
  const WallTime met = talk.clock.wall();
  for (const std::int64_t age_us : {INT64_MIN, std::int64_t{-5'000'000}, INT64_MAX}) {
    talk.said.clear();
    talk.clock.advance(1s);
    REQUIRE(talk.call() == "/v1/poll");
    talk.answer(poll_answer("run-1", 2, one_event("service.exited", age_us)));
    const WallTime at = std::get<AgentEvents>(talk.said.at(0).input).events.at(0).at;
    CHECK(at <= talk.clock.wall());
    CHECK(at >= met - 10s);
  }
}

TEST_CASE("the name of an agent's run is a short one") {
  Talk talk;
  REQUIRE(talk.call() == "/v1/poll");
  talk.answer(poll_answer(std::string(65, 'r'), 1));
  CHECK(talk.call().empty());
  talk.clock.advance(1s);
  talk.meet("run-1");
  talk.answer(poll_answer("run-2", 1));
  REQUIRE(talk.call() == "/v1/status");
  talk.said.clear();
  talk.answer({{"start_id", std::string(7 << 20, 'r')}});
  CHECK(talk.said.empty());
}

TEST_CASE("a status that lists more than a node can have is not taken in") {
  for (const auto& [count, taken] : {std::pair(4'096, true), std::pair(4'097, false)}) {
    Talk talk;
    REQUIRE(talk.call() == "/v1/poll");
    talk.answer(poll_answer("run-1", 9));
    REQUIRE(talk.call() == "/v1/status");
    talk.answer(
        {{"start_id", "run-1"},
         {"faults", nlohmann::json(static_cast<std::size_t>(count), nlohmann::json::object())}});
    CHECK(talk.session.up() == taken);
  }
}

TEST_CASE("an agent whose answers are large is asked more slowly, whatever is in them") {
  Talk talk;
  talk.meet("run-1");
  nlohmann::json answer = poll_answer("run-1", 1);
  answer["x"] = std::string(3 << 20, 'x');
  int asked = 0;
  for (int i = 0; i < 100; ++i) {
    if (talk.call() == "/v1/poll") {
      ++asked;
      talk.answer(answer);
    }
    talk.clock.advance(100ms);
  }
  CHECK(asked >= 5);  // 16 MiB at once
  CHECK(asked <= 7);  // and a quarter of one a second, for ten
  CHECK(talk.session.up());
}

TEST_CASE("a new run of the agent is asked for its whole state") {
  Talk talk;
  talk.meet("run-1");
  REQUIRE(talk.call() == "/v1/poll");
  talk.answer(poll_answer("run-2", 3, one_event("agent.started")));
  CHECK(talk.call() == "/v1/status");
  talk.answer({{"start_id", "run-3"}});  // and again meanwhile
  REQUIRE(talk.call() == "/v1/poll");
  CHECK(talk.body["wait_ms"] == 0);
  talk.answer(poll_answer("run-3", 1));
  CHECK(talk.call() == "/v1/status");
}

TEST_CASE("lost events are made good by the state") {
  Talk talk;
  talk.meet("run-1");
  REQUIRE(talk.call() == "/v1/poll");
  auto answer = poll_answer("run-1", 90'000);
  answer["lost"] = true;
  talk.answer(answer);
  CHECK(talk.call() == "/v1/status");
}

TEST_CASE("the next poll follows an answer at once, one after a failure waits longer and longer") {
  Talk talk;
  talk.meet("run-1");
  REQUIRE(talk.call() == "/v1/poll");
  CHECK(talk.call().empty());  // one at a time
  talk.answer(poll_answer("run-1", 1));
  REQUIRE(talk.call() == "/v1/poll");
  Duration before{};
  for (int i = 0; i < 4; ++i) {
    talk.no_answer();
    CHECK(talk.call().empty());
    const Duration pause = *talk.session.next_deadline() - talk.clock.mono();
    CHECK(pause > before);
    before = pause;
    talk.clock.advance(pause);
    REQUIRE(talk.call() == "/v1/poll");
  }
}

TEST_CASE("silence is told once, and a return begins with the state") {
  Talk talk;
  talk.meet("run-1");
  talk.said.clear();
  REQUIRE(talk.call() == "/v1/poll");
  talk.clock.advance(1999ms);
  talk.tick();
  CHECK(talk.said.empty());
  talk.clock.advance(1ms);
  talk.tick();
  talk.tick();
  REQUIRE(talk.said.size() == 1);
  CHECK(std::holds_alternative<AgentLost>(talk.said[0].input));
  talk.answer(poll_answer("run-1", 2));  // a long silence, the same call
  CHECK(talk.call() == "/v1/status");
}

TEST_CASE("who was asleep does not take that for the agent's silence") {
  Talk talk;
  talk.meet("run-1");
  talk.said.clear();
  REQUIRE(talk.call() == "/v1/poll");
  talk.clock.advance(10s);
  talk.session.we_slept(talk.clock.mono() - 10s, talk.clock.mono());
  talk.tick();
  CHECK(talk.said.empty());
  talk.clock.advance(2s);  // that is its own
  talk.tick();
  CHECK(talk.said.size() == 1);
}

// What the loop was told last, "" for nothing.
std::string lost_why(const Talk& talk) {
  if (talk.said.empty()) return "";
  const auto* lost = std::get_if<AgentLost>(&talk.said.back().input);
  return lost ? lost->why : "";
}

TEST_CASE("an agent that refuses from the first call on has its reason told, once") {
  struct Case {
    int status;
    nlohmann::json body;
    const char* why;
  };
  const Case each = GENERATE(
      Case{401, {{"code", "refused"}, {"error", "token"}}, "the token in keys-1.token"},
      Case{409, {{"code", "conflict"}, {"error", "epoch 4 is over"}}, "epoch 4 is over; if this"},
      Case{404, {{"error", "no such page"}}, "is it the right address? (no such page)"},
      Case{200, "a page", "is it the right address?"});
  Talk talk;
  for (int i = 0; i < 100; ++i) {
    if (!talk.call().empty()) talk.answer(each.body, each.status);
    talk.clock.advance(100ms);
    talk.tick();
    INFO(i);
    CHECK(talk.said.size() == (i < 19 ? 0 : 1));
  }
  CHECK(lost_why(talk).find(each.why) != std::string::npos);
}

TEST_CASE("a token that is missing is another reason than an agent that is silent") {
  Talk talk;
  const auto fail_for = [&](Duration time, ErrorCode code, const std::string& words) {
    for (const MonoTime end = talk.clock.mono() + time; talk.clock.mono() < end;) {
      if (!talk.call().empty())
        talk.session.answered(fail(code, words), talk.now(), talk.deliver());
      talk.clock.advance(100ms);
      talk.tick();
    }
  };
  fail_for(3s, ErrorCode::kNotFound, "its token cannot be read");
  CHECK(talk.said.size() == 1);
  CHECK(lost_why(talk) == "its token cannot be read");
  fail_for(1s, ErrorCode::kUnavailable, "refused");  // too short to be told
  CHECK(talk.said.size() == 1);
  fail_for(3s, ErrorCode::kTimeout, "no answer");
  CHECK(talk.said.size() == 2);
  CHECK(lost_why(talk) == "no answer");
}

TEST_CASE("each poll renews the faults that the loop wants kept, unless the loop is stuck") {
  Talk talk;
  talk.needs.nodes = std::make_shared<const NeedsOfNodes>(
      NeedsOfNodes{{"keys-1", {.renew = {"f-1", "f-2"}}}, {"keys-2", {.renew = {"f-3"}}}});
  REQUIRE(talk.call() == "/v1/poll");
  CHECK(talk.body["renew"] == nlohmann::json{"f-1", "f-2"});
  CHECK(talk.body["lease_ms"] == 3000);
  CHECK(talk.body["epoch"] == 4);
  talk.answer(poll_answer("run-1", 1));
  talk.clock.advance(3001ms);
  REQUIRE(talk.call() == "/v1/status");
  talk.answer({{"start_id", "run-1"}});
  REQUIRE(talk.call() == "/v1/poll");
  CHECK(talk.body["renew"].empty());
}

TEST_CASE("an answer that makes no sense is a failure, not a crash") {
  Talk talk;
  for (const nlohmann::json& odd :
       {nlohmann::json(nullptr), nlohmann::json::array(), nlohmann::json{{"start_id", 3}},
        nlohmann::json{{"start_id", "x"}, {"next", "y"}}}) {
    INFO(odd.dump());
    REQUIRE(talk.call() == "/v1/poll");
    talk.answer(odd);
    CHECK(talk.said.empty());
    CHECK(talk.call().empty());
    talk.clock.advance(1s);
  }
}

}  // namespace
}  // namespace panshi::controller
