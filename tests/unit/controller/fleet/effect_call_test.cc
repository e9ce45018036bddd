// SPDX-License-Identifier: Apache-2.0
// Promise: an effect ends in exactly one outcome, and `unknown` is said when and only when the
// agent may have acted without telling.
#include "controller/fleet/effect_call.h"

#include <catch2/catch.hpp>

#include "core/json/fields.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;

struct Attempt {
  explicit Attempt(EffectKind kind) : call(effect(kind), clock.mono()) {}
  static Effect effect(EffectKind kind) {
    Effect made;
    made.id = "e-1";
    made.kind = kind;
    made.node = "keys-1";
    made.subject = "f-1";
    made.body = {{"kind", "process.pause"}};
    made.timeout = 5s;
    return made;
  }
  HttpCall send() { return call.next_call("http://a", 7, clock.mono()); }
  std::optional<EffectDone> answer(int status, const nlohmann::json& json) {
    (void)send();
    return call.answered(HttpReply{.status = status, .body = json.dump()}, now());
  }
  std::optional<EffectDone> error(ErrorCode code) {
    (void)send();
    return call.answered(fail(code, "no luck"), now());
  }
  Instant now() const { return {clock.mono(), clock.wall()}; }

  SimClock clock;
  EffectCall call;
};

TEST_CASE("each kind of effect is its own call, with the epoch") {
  CHECK(Attempt(EffectKind::kInject).send().url == "http://a/v1/faults/f-1");
  CHECK(Attempt(EffectKind::kInject).send().method == "PUT");
  CHECK(Attempt(EffectKind::kRevert).send().url == "http://a/v1/faults/f-1/revert");
  CHECK(Attempt(EffectKind::kAct).send().url == "http://a/v1/actions/f-1");
  CHECK(Attempt(EffectKind::kRevertAll).send().url == "http://a/v1/revert-all");
  const auto body = parse_json(Attempt(EffectKind::kInject).send().body).value();
  CHECK(body == nlohmann::json{{"kind", "process.pause"}, {"epoch", 7}});
}

TEST_CASE("what the agent answers decides the outcome") {
  struct Case {
    EffectKind kind;
    int status;
    nlohmann::json body;
    std::string outcome;
    std::string detail;
  };
  for (const Case& each : {
           Case{EffectKind::kInject, 200, {{"state", "live"}}, "ok", ""},
           Case{EffectKind::kInject,
                200,
                {{"state", "failed"}, {"error", "no such pid"}},
                "failed",
                "no such pid"},
           Case{EffectKind::kInject,
                200,
                {{"state", "reverted"}},
                "failed",
                "the fault was reverted already"},
           Case{EffectKind::kRevert, 200, {{"state", "reverted"}}, "ok", ""},
           Case{EffectKind::kRevert, 200, {{"state", "live"}}, "failed", "the fault is still live"},
           Case{EffectKind::kRevert,
                200,
                {{"state", "live"}, {"error", "the unit is gone"}},
                "failed",
                "the fault is still live: the unit is gone"},
           Case{EffectKind::kClear,
                200,
                {{"state", "left"}, {"left", {{{"what", "a rule"}, {"why", "no nft"}}}}},
                "failed",
                "left over: a rule: no nft"},
           Case{
               EffectKind::kRevertAll,
               200,
               {{"failed", {{{"id", "f-1"}, {"error", "busy"}}, {{"id", "f-2"}, {"error", "no"}}}}},
               "failed",
               "2 could not be reverted: f-1: busy; f-2: no"},
           Case{EffectKind::kAct, 202, {{"state", "running"}}, "ok", ""},
           Case{EffectKind::kAct,
                200,
                {{"state", "failed"}, {"error", "exit 1"}},
                "failed",
                "exit 1"},
           Case{EffectKind::kRevertAll,
                200,
                {{"reverted", {"f-1"}}, {"failed", nlohmann::json::array()}},
                "ok",
                ""},
           Case{EffectKind::kInject,
                409,
                {{"code", "refused"}, {"error", "lower epoch"}},
                "failed",
                "lower epoch"},
           Case{EffectKind::kInject, 400, "plain", "failed", "HTTP 400: \"plain\""},
       }) {
    INFO(row_of(each.kind).word << " " << each.body);
    Attempt attempt(each.kind);
    const auto done = attempt.answer(each.status, each.body);
    REQUIRE(done);
    CHECK(done->effect == "e-1");
    CHECK(done->outcome == each.outcome);
    CHECK(done->detail == each.detail);
  }
}

TEST_CASE("an order that something else is in the way of may be given again") {
  Attempt on_the_same_target(EffectKind::kInject);
  const auto refused =
      on_the_same_target.answer(409, {{"code", "conflict"}, {"error", "f-1 is in force there"}});
  REQUIRE(refused);
  CHECK(refused->not_now);
  Attempt never(EffectKind::kInject);
  CHECK_FALSE(never.answer(409, {{"code", "refused"}, {"error", "not permitted"}})->not_now);
}

TEST_CASE("an agent that cannot be reached is tried until the timeout, then it has surely failed") {
  Attempt attempt(EffectKind::kInject);
  int tries = 0;
  std::optional<EffectDone> done;
  for (; !done && tries < 100; ++tries) {
    done = attempt.error(ErrorCode::kUnavailable);
    if (!done) attempt.clock.advance(attempt.call.call_at() - attempt.clock.mono());
  }
  REQUIRE(done);
  CHECK(done->outcome == "failed");
  CHECK(tries > 5);
  CHECK(attempt.clock.mono() < MonoTime{} + 6s);
}

TEST_CASE("one attempt without an answer makes the outcome unknown, whatever failed after it") {
  Attempt attempt(EffectKind::kInject);
  CHECK_FALSE(attempt.error(ErrorCode::kTimeout));
  attempt.clock.advance(5s);
  const auto done = attempt.error(ErrorCode::kUnavailable);
  REQUIRE(done);
  CHECK(done->outcome == "unknown");
}

TEST_CASE("a repeat that gets its answer settles an attempt that got none") {
  Attempt attempt(EffectKind::kInject);
  CHECK_FALSE(attempt.error(ErrorCode::kTimeout));
  const auto done = attempt.answer(200, {{"state", "live"}});
  REQUIRE(done);
  CHECK(done->outcome == "ok");
}

TEST_CASE("an agent that is busy or has a new token is asked again") {
  Attempt attempt(EffectKind::kInject);
  CHECK_FALSE(attempt.answer(503, {{"error", "starting"}}));
  CHECK_FALSE(attempt.answer(401, {{"error", "token"}}));
  CHECK(attempt.call.token_refused());
  CHECK(attempt.answer(200, {{"state", "live"}})->outcome == "ok");
}

TEST_CASE("an injection that was taken back is not attempted again") {
  Attempt attempt(EffectKind::kInject);
  CHECK_FALSE(attempt.error(ErrorCode::kUnavailable));
  attempt.call.withdraw();
  const auto done = attempt.call.give_up(attempt.now());
  REQUIRE(done);
  CHECK(done->outcome == "failed");

  Attempt sent(EffectKind::kInject);
  (void)sent.send();
  sent.call.withdraw();
  CHECK_FALSE(sent.call.give_up(sent.now()));  // the answer is still to come
  CHECK(sent.call.answered(fail(ErrorCode::kTimeout, "x"), sent.now())->outcome == "unknown");
}

}  // namespace
}  // namespace panshi::controller
