// SPDX-License-Identifier: Apache-2.0
// Promise: nothing is acted on or answered before it is durable, and a loop that was late says so
// before it decides anything.
#include "controller/loop/loop.h"

#include <catch2/catch.hpp>
#include <thread>

#include "tests/support/controller/fake_brain.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;

class MemoryJournal final : public Journal {
 public:
  explicit MemoryJournal(std::vector<std::string>& log) : log_(log) {}
  Status append(std::vector<Event>& events, const std::vector<AgentCursor>& cursors) override {
    if (full) return fail(ErrorCode::kInternal, "disk full");
    for (Event& event : events) {
      event.seq = ++last_;
      kept.push_back(event);
      log_.push_back("journal " + event.kind);
    }
    for (const AgentCursor& cursor : cursors) kept_cursors[cursor.node] = cursor;
    return {};
  }
  Status replay(const std::function<void(const Event&)>& each) override {
    for (const Event& event : kept) each(event);
    return {};
  }
  std::int64_t last_seq() const override { return last_; }
  WallTime newest_at() const override { return kept.empty() ? WallTime{} : kept.back().at; }
  Result<std::map<std::string, AgentCursor>> cursors() override { return kept_cursors; }

  std::vector<Event> kept;
  std::map<std::string, AgentCursor> kept_cursors;
  bool full = false;

 private:
  std::vector<std::string>& log_;
  std::int64_t last_ = 0;
};

// A loop with its surroundings; `log` is the order in which things happened outside.
struct Bench {
  explicit Bench(FakeBrain::Step step = {}) : brain(std::move(step)) { REQUIRE(loop.recover()); }

  Status turn(std::vector<Letter> letters) { return loop.turn(std::move(letters), clock.mono()); }

  std::vector<std::string> log;
  SimClock clock;
  MemoryJournal journal{log};
  Feed feed;
  FakeBrain brain;
  Loop loop{{.late_bound = 250ms, .nodes = {"keys-1"}, .version = "test"},
            {.brain = brain,
             .journal = journal,
             .feed = feed,
             .clock = clock,
             .carry_out = [this](const Effect& effect) { log.push_back("act " + effect.id); }}};
};

Effect effect_named(std::string id) {
  Effect effect;
  effect.id = std::move(id);
  effect.kind = EffectKind::kRevertAll;
  effect.node = "keys-1";
  return effect;
}

// Every command becomes one event and one effect; everything else one event.
Stepped echo(const Input& input, WallTime now) {
  Stepped stepped;
  if (const auto* command = std::get_if<Command>(&input)) {
    stepped.events.push_back(FakeBrain::event("intend " + command->verb, now));
    stepped.effects.push_back(effect_named(command->verb));
    stepped.answer = nlohmann::json{{"done", command->verb}};
  }
  if (std::holds_alternative<LateLoop>(input)) {
    stepped.events.push_back(FakeBrain::event("late", now));
  }
  if (std::holds_alternative<Tick>(input)) {
    stepped.events.push_back(FakeBrain::event("tick", now));
  }
  return stepped;
}

Letter command(const std::string& verb, std::shared_ptr<Reply> reply) {
  Command order;
  order.verb = verb;
  return {.input = std::move(order), .cursor = {}, .reply = std::move(reply)};
}

TEST_CASE("an effect is carried out after its event is in the journal") {
  Bench bench(echo);
  auto reply = std::make_shared<Reply>();
  REQUIRE(bench.turn({command("a", reply), command("b", std::make_shared<Reply>())}));
  CHECK(bench.log ==
        std::vector<std::string>{"journal intend a", "journal intend b", "act a", "act b"});
  CHECK(reply->wait(0ms).value()["done"] == "a");
}

TEST_CASE("a journal that refuses stops the loop before anything is done or promised") {
  Bench bench(echo);
  bench.journal.full = true;
  auto reply = std::make_shared<Reply>();
  CHECK_FALSE(bench.turn({command("a", reply)}));
  CHECK(bench.log.empty());
  CHECK(reply->wait(0ms).error().message == "disk full");
}

TEST_CASE("a command whose sender has given up is not carried out") {
  Bench bench(echo);
  auto reply = std::make_shared<Reply>();
  CHECK(reply->wait(0ms).error().code == ErrorCode::kUnavailable);
  REQUIRE(bench.turn({command("a", reply)}));
  CHECK(bench.log.empty());
}

TEST_CASE("waking too late is told before the inputs that were waiting") {
  Bench bench(echo);
  const MonoTime asked = bench.clock.mono();
  bench.clock.advance(251ms);
  REQUIRE(bench.loop.turn({command("a", std::make_shared<Reply>())}, asked));
  REQUIRE(bench.log.size() == 3);
  CHECK(bench.log[0] == "journal late");

  bench.log.clear();
  bench.clock.advance(250ms);
  REQUIRE(bench.loop.turn({}, bench.clock.mono() - 250ms));  // the bound itself is in time
  CHECK(bench.log.empty());
}

TEST_CASE("a turn that took too long makes the next one late") {
  SimClock* moved = nullptr;
  Bench bench([&moved](const Input& input, WallTime now) {
    if (std::holds_alternative<Command>(input)) moved->advance(1s);
    return echo(input, now);
  });
  moved = &bench.clock;
  REQUIRE(bench.turn({command("slow", std::make_shared<Reply>())}));
  bench.log.clear();
  REQUIRE(bench.turn({}));
  CHECK(bench.log == std::vector<std::string>{"journal late"});
}

TEST_CASE("a deadline that has come is a tick, and the loop asks to wake for the next one") {
  Bench bench(echo);
  bench.brain.deadline = bench.loop.clock().now() + 100ms;
  CHECK(bench.loop.next_wake() == bench.clock.mono() + 100ms);
  REQUIRE(bench.turn({}));
  CHECK(bench.log.empty());
  bench.clock.advance(100ms);
  REQUIRE(bench.turn({}));
  CHECK(bench.log == std::vector<std::string>{"journal tick"});
}

TEST_CASE("a view is made when somebody asks, and has every event that was told of") {
  Bench bench(echo);
  REQUIRE(bench.loop.begin());
  const int before = bench.brain.views;
  REQUIRE(bench.turn({{.input = LateLoop{1s}}}));  // an event, which is in no hurry to be shown
  REQUIRE(bench.turn({{.input = LateLoop{1s}}}));
  CHECK(bench.brain.views == before);
  const std::int64_t told = bench.feed.last_seq();
  std::shared_ptr<const LoopView> seen;
  std::thread who_asks([&] { seen = bench.loop.view(); });
  REQUIRE(bench.turn(bench.loop.letters().take_all(mono_now() + 5s)));
  who_asks.join();
  CHECK(seen->journal_seq >= told);
  CHECK(bench.brain.views == before + 1);
  CHECK(bench.loop.view()->journal_seq == bench.feed.last_seq());  // at once: nothing is newer
}

TEST_CASE("an agent's cursor is kept only together with events") {
  Bench bench(echo);
  AgentEvents batch;
  batch.node = "keys-1";
  REQUIRE(bench.turn({{.input = batch, .cursor = AgentCursor{"keys-1", "run-1", 5}}}));
  CHECK(bench.journal.kept_cursors.empty());
  REQUIRE(bench.turn({command("a", std::make_shared<Reply>())}));
  CHECK(bench.journal.kept_cursors.at("keys-1").after == 5);
}

TEST_CASE("the epoch grows with each start and is durable before the first call carries it") {
  Bench bench;
  CHECK(bench.loop.needs().read()->epoch == 0);
  REQUIRE(bench.loop.begin());
  CHECK(bench.loop.needs().read()->epoch == 1);
  CHECK(bench.log == std::vector<std::string>{"journal controller.started"});

  FakeBrain next_brain;
  Loop next({}, {.brain = next_brain,
                 .journal = bench.journal,
                 .feed = bench.feed,
                 .clock = bench.clock,
                 .carry_out = [](const Effect&) {}});
  REQUIRE(next.recover());
  REQUIRE(next.begin());
  CHECK(next.needs().read()->epoch == 2);
}

TEST_CASE("the brain is told where the machine's clock stands, at the start and when it is set") {
  std::vector<Duration> told;
  Bench bench([&](const Input& input, WallTime) {
    if (const auto* start = std::get_if<Restarted>(&input)) told.push_back(start->calendar_ahead);
    if (const auto* moved = std::get_if<ClockMoved>(&input)) told.push_back(moved->calendar_ahead);
    return Stepped{};
  });
  REQUIRE(bench.loop.begin());
  bench.clock.jump_wall(900ms);  // slewed, not set
  REQUIRE(bench.turn({}));
  bench.clock.jump_wall(2h);
  REQUIRE(bench.turn({}));
  REQUIRE(bench.turn({}));
  bench.clock.jump_wall(-3h);
  REQUIRE(bench.turn({}));
  CHECK(told == std::vector<Duration>{0ms, 2h + 900ms, -1h + 900ms});
}

TEST_CASE("time never runs backwards over a restart, whatever the machine's clock says") {
  Bench bench(echo);
  bench.clock.advance(1h);
  REQUIRE(bench.turn({command("a", std::make_shared<Reply>())}));
  bench.clock.jump_wall(-24h);
  REQUIRE(bench.loop.recover());
  CHECK(bench.loop.clock().now() >= bench.journal.newest_at());
}

TEST_CASE("an orderly end gives every last effect an outcome and refuses commands") {
  Bench bench;
  auto reply = std::make_shared<Reply>();
  EffectDone done;
  done.effect = "stop-a";
  done.outcome = "ok";
  REQUIRE(bench.loop.letters().put({.input = done}));
  REQUIRE(bench.loop.letters().put(command("drill.run", reply)));
  // No patience: only what has arrived counts, and SimClock never lets time pass.
  REQUIRE(bench.loop.finish({effect_named("stop-a")}, 1s));
  CHECK(reply->wait(0ms).error().code == ErrorCode::kUnavailable);
  CHECK(bench.log == std::vector<std::string>{"journal effect.intended", "act stop-a",
                                              "journal effect.done", "journal controller.stopped"});

  Bench silent;
  REQUIRE(silent.loop.finish({effect_named("stop-b")}, 0s));
  REQUIRE(silent.journal.kept.size() == 3);
  CHECK(silent.journal.kept[1].data["outcome"] == "unknown");
}

}  // namespace
}  // namespace panshi::controller
