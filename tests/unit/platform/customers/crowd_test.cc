// SPDX-License-Identifier: Apache-2.0
// The promise under test: an open loop. Customers come on their schedule however slowly the shop
// answers, every one of them is accounted for, and attempts are recorded before they are sent.
#include "platform/customers/crowd.h"

#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <set>

namespace panshi::shop {
namespace {

using namespace std::chrono_literals;

Crowd::Options options(double rate, std::size_t in_flight_max = 500) {
  Crowd::Options made;
  made.traffic.rate = rate;
  made.seed = 5;
  made.run = "r";
  made.products = {{"vpn", 1}};
  made.in_flight_max = in_flight_max;
  return made;
}

std::string body_for(const Request& request) {
  switch (request.step) {
    case Step::kOrder:
      return R"({"order":"o-)" + request.key + R"(","amount_cents":990})";
    case Step::kFetch:
      return R"({"card_key":"K"})";
    default:
      return "{}";
  }
}

// A crowd before a shop that answers `latency` after each request, or never.
struct Sim {
  SimClock clock;
  Crowd crowd;
  std::optional<Duration> latency;
  struct Pending {
    MonoTime due;
    Crowd::Outgoing outgoing;
  };
  std::deque<Pending> pending;
  std::vector<Record> records;
  int sessions = 0;  // given by the shop
  bool gives_sessions = false;

  Sim(Crowd::Options options, std::optional<Duration> answer_after)
      : crowd(std::move(options), now()), latency(answer_after) {}
  Moment now() const { return {clock.mono(), clock.wall()}; }

  void settle_effects() {
    Crowd::Effects effects = crowd.take_effects();
    for (const Crowd::Outgoing& outgoing : effects.requests) {
      if (outgoing.request.key.empty()) continue;
      const bool is_recorded =
          std::any_of(effects.records.begin(), effects.records.end(), [&](const Record& record) {
            return record.outcome == Outcome::kAttempt && record.key == outgoing.request.key;
          });
      REQUIRE(is_recorded);
    }
    records.insert(records.end(), effects.records.begin(), effects.records.end());
    for (auto& outgoing : effects.requests) {
      if (latency) pending.push_back({clock.mono() + *latency, std::move(outgoing)});
    }
  }
  void run(Duration span) {
    const MonoTime end = clock.mono() + span;
    while (true) {
      MonoTime next = std::min(end, crowd.next_deadline());
      if (!pending.empty()) next = std::min(next, pending.front().due);
      if (next > clock.mono()) clock.advance(next - clock.mono());
      while (!pending.empty() && pending.front().due <= clock.mono()) {
        const Pending done = std::move(pending.front());
        pending.pop_front();
        Answer answer{true, 200, body_for(done.outgoing.request)};
        const Request& request = done.outgoing.request;
        if (gives_sessions && request.keeps_cookies && request.cookie.empty()) {
          answer.cookies = "user=u-" + std::to_string(++sessions) + ".abc";
        }
        crowd.answered(done.outgoing.id, answer, now());
      }
      crowd.advance(now());
      settle_effects();
      if (clock.mono() >= end) return;
    }
  }
  CrowdStatus status() { return crowd.status(clock.mono()); }
};

TEST_CASE("everybody who came is accounted for") {
  Sim sim(options(40), 5ms);
  sim.run(30s);
  CrowdStatus status = sim.status();
  CHECK(status.arrived > 1'000);
  CHECK(status.window.success_ratio == 1);
  sim.crowd.pause(sim.clock.mono() + 1h);
  sim.run(10s);
  status = sim.status();
  CHECK(status.in_flight == 0);
  CHECK(status.delivered == status.arrived);
  CHECK(status.acknowledged == status.arrived);
  CHECK(status.attempted == status.arrived);
}

TEST_CASE("a shop that answers slowly, or not at all, does not delay who comes next") {
  Sim well(options(40, 10'000), 1ms);
  Sim slow(options(40, 10'000), 20s);
  Sim dead(options(40, 10'000), std::nullopt);
  for (Sim* sim : {&well, &slow, &dead}) sim->run(10s);
  CHECK(well.status().arrived == slow.status().arrived);
  CHECK(well.status().arrived == dead.status().arrived);
  CHECK(dead.status().in_flight == dead.status().arrived);
  CHECK(dead.status().window.success_ratio == 0);
}

TEST_CASE("latency counts from the intended start, so our own stall is not hidden either") {
  Sim sim(options(40), 5ms);
  sim.run(5s);
  sim.clock.advance(2s);  // this process did not run
  sim.run(500ms);
  CHECK(sim.status().window.checkout_p95_ms > 1'000);
  CHECK(sim.status().arrived > 250);  // those who came meanwhile were let in late, not skipped
}

TEST_CASE("when too many are under way arrivals are dropped, counted and recorded") {
  Sim sim(options(40, 20), std::nullopt);
  sim.run(10s);
  const CrowdStatus status = sim.status();
  CHECK(status.in_flight == 20);
  CHECK(status.dropped == status.arrived - 20);
  const auto recorded =
      std::count_if(sim.records.begin(), sim.records.end(),
                    [](const Record& record) { return record.outcome == Outcome::kDropped; });
  CHECK(recorded == status.dropped);
  CHECK(status.window.success_ratio == 0);
}

TEST_CASE("a pause stops arrivals, lets purchases end, and ends by itself") {
  Sim sim(options(40), 5ms);
  sim.run(2s);
  sim.crowd.pause(sim.clock.mono() + 5s);
  const auto before = sim.status().arrived;
  sim.run(4s);
  CHECK(sim.status().arrived == before);
  CHECK(sim.status().in_flight == 0);
  CHECK(sim.status().paused);
  sim.run(3s);
  CHECK_FALSE(sim.status().paused);
  CHECK(sim.status().arrived > before);
  CHECK(sim.status().arrived < before + 200);  // no flood of those who stayed away
}

TEST_CASE("the rate can be changed under way") {
  Sim sim(options(40), 5ms);
  sim.run(1s);
  TrafficChange faster;
  faster.rate = 400;
  sim.crowd.change(faster, sim.clock.mono());
  const auto before = sim.status().arrived;
  sim.run(10s);
  CHECK(sim.status().arrived - before == Approx(4'000).epsilon(0.1));
  CHECK(sim.status().rate == 400);
}

TEST_CASE("a surge brings so many times as many, for its time, and ends by itself") {
  Crowd::Options surging = options(20, 10'000);
  surging.traffic.plan = {{PlanStep::Kind::kHold, 0, 10s}, {PlanStep::Kind::kSurge, 20, 10s}};
  Sim sim(surging, 5ms);
  sim.run(10s);
  const auto before = sim.status().arrived;
  CHECK(sim.status().plan_step == 2);
  CHECK(sim.status().rate == 400);
  sim.run(10s);
  const auto during = sim.status().arrived - before;
  sim.run(10s);
  CHECK(during == Approx(4'000).epsilon(0.1));
  CHECK(sim.status().arrived - before - during == Approx(200).epsilon(0.3));
  CHECK(sim.status().plan_step == 0);
}

TEST_CASE("a surge that is not prolonged ends by itself, and nobody else ends it") {
  Sim sim(options(20, 10'000), 5ms);
  sim.run(1s);
  const auto surge = [&](const char* by, double rate, Duration lease) {
    sim.crowd.surge(by, rate, sim.clock.mono() + lease, sim.clock.mono());
  };
  surge("f1", 400, 2s);
  sim.run(1s);
  surge("f2", 100, 10s);  // it is the first one's
  CHECK(sim.status().rate == 400);
  CHECK(sim.status().surge == "f1");
  surge("f1", 400, 2s);
  sim.run(1'900ms);
  CHECK(sim.status().rate == 400);
  TrafficChange rate;  // what somebody sets meanwhile is for afterwards
  rate.rate = 30;
  sim.crowd.change(rate, sim.clock.mono());
  sim.crowd.end_surge("f2", sim.clock.mono());
  CHECK(sim.status().rate == 400);
  sim.run(200ms);
  CHECK(sim.status().rate == 30);
  CHECK(sim.status().surge.empty());
  surge("f2", 100, 10s);
  sim.crowd.end_surge("f2", sim.clock.mono());
  CHECK(sim.status().rate == 30);
}

TEST_CASE("the mix says what customers come for, and purchases are counted apart from visits") {
  Crowd::Options mixed = options(40);
  mixed.traffic.mix = {50, 30, 15, 5};
  Sim sim(mixed, 5ms);
  sim.run(60s);
  sim.crowd.pause(sim.clock.mono() + 1h);
  sim.run(20s);
  const CrowdStatus status = sim.status();
  CHECK(status.arrived == Approx(1'200).epsilon(0.1));
  CHECK(status.visits == Approx(1'200).epsilon(0.1));
  CHECK(status.delivered == status.arrived);
  CHECK(status.visits_served == status.visits);
  std::map<std::string, int> lines;
  for (const Record& record : sim.records) ++lines[record.kind];
  for (const char* kind : {"", "browse", "history", "chat"}) {
    INFO(kind);
    CHECK(lines[kind] > 50);
  }
}

TEST_CASE("a household's browser keeps its session, an honest one's or not") {
  Crowd::Options few = options(4);
  few.users = 3;
  few.traffic.fraud = {.rate = 4, .span = 30s, .customers = 2};
  Sim sim(few, 5ms);
  sim.gives_sessions = true;
  sim.run(30s);
  std::set<std::string> users;
  for (const Record& record : sim.records) {
    if (record.step == Step::kOrder) users.insert(record.user);
  }
  CHECK(sim.status().delivered > 80);
  CHECK(sim.status().fraud_placed > 80);
  CHECK(users.size() == static_cast<std::size_t>(sim.sessions));
  // One each, and one more for who comes while the first answer is on its way.
  CHECK(sim.sessions >= 5);
  CHECK(sim.sessions <= 10);
}

TEST_CASE("a fraud burst is told apart everywhere, and changes nothing for the honest") {
  Sim calm(options(40), 5ms);
  Crowd::Options attacked_options = options(40);
  attacked_options.traffic.fraud = {.rate = 300, .after = 2s, .span = 5s, .customers = 3};
  Sim attacked(attacked_options, 5ms);
  for (Sim* sim : {&calm, &attacked}) {
    sim->run(20s);
    sim->crowd.pause(sim->clock.mono() + 1h);
    sim->run(10s);
  }
  const CrowdStatus status = attacked.status();
  CHECK(status.fraud_sent == Approx(1'500).epsilon(0.1));
  CHECK(status.fraud_placed == status.fraud_sent);
  CHECK(status.arrived == calm.status().arrived);
  CHECK(status.attempted == calm.status().attempted);
  CHECK(status.delivered == status.arrived);
  std::set<std::string> users;
  std::vector<Record> honest;
  for (const Record& record : attacked.records) {
    if (record.kind == "fraud") users.insert(record.user);
    if (record.kind.empty()) honest.push_back(record);
  }
  CHECK(users.size() == 3);
  CHECK(honest.size() == calm.records.size());
  CHECK(std::is_permutation(honest.begin(), honest.end(), calm.records.begin(),
                            [](const Record& a, const Record& b) {
                              return a.customer == b.customer && a.step == b.step &&
                                     a.outcome == b.outcome && a.user == b.user;
                            }));
}

TEST_CASE("orders of fraud that nobody answers take no honest customer's place") {
  Crowd::Options attacked = options(40, 100);
  attacked.traffic.fraud = {.rate = 1'000, .span = 10s};
  Sim sim(attacked, std::nullopt);
  sim.run(1s);
  CHECK(sim.status().dropped == 0);
  CHECK(sim.status().fraud_dropped > 500);
  CHECK(sim.status().fraud_sent == 200);
}

TEST_CASE("a change says only what is to be otherwise") {
  Crowd::Options planned = options(40);
  planned.traffic.plan = {{PlanStep::Kind::kHold, 0, 1h}};
  Sim sim(planned, 5ms);
  TrafficChange change;
  change.fraud = {.rate = 100, .span = 1s};
  sim.crowd.change(change, sim.clock.mono());
  sim.run(2s);
  CHECK(sim.status().plan_step == 1);
  CHECK(sim.status().fraud_sent > 50);
  TrafficChange rate;
  rate.rate = 10;
  sim.crowd.change(rate, sim.clock.mono());
  CHECK(sim.status().plan_step == 0);
  CHECK(sim.status().rate == 10);
}

TEST_CASE("the same seed makes the same history") {
  Sim one(options(40), 5ms);
  Sim two(options(40), 5ms);
  one.run(5s);
  two.run(5s);
  CHECK(one.records == two.records);
}

TEST_CASE("the log begins with a line that says so") {
  Sim sim(options(40), 5ms);
  sim.run(1ms);
  REQUIRE_FALSE(sim.records.empty());
  CHECK(sim.records.front().step == Step::kStart);
}

}  // namespace
}  // namespace panshi::shop
