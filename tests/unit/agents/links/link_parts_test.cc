// SPDX-License-Identifier: Apache-2.0
// The promises under test: an address is read whole or refused; a delay's account is right; timers
// fire in the order they are due, and one that is disarmed never.
#include <catch2/catch.hpp>

#include "agents/links/connection.h"
#include "agents/links/event_loop.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;

TEST_CASE("numeric addresses are read, everything else is refused with an example") {
  for (const char* good : {"127.0.0.1:80", "0.0.0.0:0", "127.103.4.5:65535", "[::1]:3306"}) {
    INFO(good);
    const auto address = parse_address(good);
    REQUIRE(address);
    CHECK(address_text(*address) == good);
  }
  for (const char* bad : {"", "127.0.0.1", ":80", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                          "127.0.0.1:80x", "localhost:80", "::1:80", "[]:80", "1.2.3:80"}) {
    INFO(bad);
    const auto address = parse_address(bad);
    REQUIRE_FALSE(address);
    CHECK(address.error().message == cat("`", bad, "` is not an address like 127.0.0.1:80"));
  }
}

TEST_CASE("a delay's account shows the mean, the largest, and the lateness of recent chunks") {
  ToxicAccount row;
  CHECK(row.report().chunks == 0);
  for (int i = 0; i < 99; ++i) row.passed(1, 10ms, 1us);
  row.passed(1, 30ms, 900us);
  CHECK(row.report().chunks == 100);
  CHECK(row.report().mean == 10'200us);
  CHECK(row.report().max == 30ms);
  CHECK(row.report().late_p99 == 1us);
  row.passed(1, 10ms, 900us);
  CHECK(row.report().late_p99 == 900us);
  for (std::size_t i = 0; i < ToxicAccount::kRecentMax; ++i) row.passed(1, 10ms, 2us);
  CHECK(row.report().late_p99 == 2us);
  CHECK(row.recent_late.size() == ToxicAccount::kRecentMax);
}

struct Note final : Timer {
  Note(std::vector<int>& its_log, int its_name) : log(its_log), name(its_name) {}
  void on_timer() override { log.push_back(name); }
  std::vector<int>& log;
  int name;
};

TEST_CASE("timers fire in the order they are due, a disarmed one never, a moved one once") {
  const auto loop = EventLoop::create().value();
  std::vector<int> log;
  Note a(log, 1);
  Note b(log, 2);
  Note c(log, 3);
  Note gone(log, 4);
  struct Last final : Timer {
    explicit Last(EventLoop& its_loop) : loop(its_loop) {}
    void on_timer() override { loop.stop(); }
    EventLoop& loop;
  } last(*loop);
  const MonoTime now = loop->now();
  loop->arm(c, now + 3ms);
  loop->arm(a, now + 1ms);
  loop->arm(gone, now + 1ms);
  loop->arm(b, now + 1h);
  loop->arm(b, now + 2ms);
  loop->arm(last, now + 4ms);
  loop->disarm(gone);
  loop->run();
  CHECK(log == std::vector<int>{1, 2, 3});
}

// What thousands of connections do that always have more to move.
struct Busy final : Watcher, Timer {
  void on_events(std::uint32_t) override {
    ++*turns;
    loop->once_more(*this);
  }
  void on_timer() override {
    ++*turns;
    loop->arm(*this, loop->now());
  }
  EventLoop* loop = nullptr;
  int* turns = nullptr;
};

TEST_CASE("whoever calls is answered before each of thousands that are busy had its turn") {
  const bool by_timer = GENERATE(false, true);
  constexpr int kAll = 5'000;
  const auto loop = EventLoop::create().value();
  int turns = 0;
  int seen = -1;
  std::vector<Busy> busy(kAll);
  REQUIRE(loop->post([&] {
    for (Busy& each : busy) {
      each.loop = loop.get();
      each.turns = &turns;
      if (by_timer) {
        loop->arm(each, loop->now());
      } else {
        loop->once_more(each);
      }
    }
    REQUIRE(loop->post([&] {  // in the round behind this one
      seen = turns;
      for (Busy& each : busy) {
        loop->disarm(each);
        loop->forget(each);
      }
      loop->stop();
    }));
  }));
  loop->run();
  CHECK(seen >= 0);
  CHECK(seen < kAll);
}

TEST_CASE("work posted before the stop is done, work posted after it is refused") {
  const auto loop = EventLoop::create().value();
  int done = 0;
  CHECK(loop->post([&] { ++done; }));
  loop->stop();
  CHECK_FALSE(loop->post([&] { ++done; }));
  loop->run();
  CHECK(done == 1);
}

}  // namespace
}  // namespace panshi::agent
