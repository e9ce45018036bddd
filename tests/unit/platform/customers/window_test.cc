// SPDX-License-Identifier: Apache-2.0
// The promise under test: the success ratio says within about a second that a shop has stopped, and
// says nothing false about a quiet one.
#include "platform/customers/window.h"

#include <catch2/catch.hpp>

namespace panshi::shop {
namespace {

using namespace std::chrono_literals;

constexpr MonoTime kStart{1h};

struct Shop {
  Window window{{}, kStart};
  MonoTime now = kStart;
  std::uint64_t last = 0;

  std::uint64_t arrive() {
    window.arrived(++last, now);
    return last;
  }
  void buy(Ending ending = Ending::kDelivered) {
    const auto id = arrive();
    if (ending == Ending::kDelivered || ending == Ending::kLate)
      window.acknowledged(id, now + 20ms);
    window.ended(id, ending, now + 30ms);
  }
  // 40 a second, all delivered.
  void run_well(Duration span) {
    for (const MonoTime end = now + span; now < end; now += 25ms) buy();
  }
  // 40 a second, nobody is answered.
  void stall(Duration span) {
    for (const MonoTime end = now + span; now < end; now += 25ms) arrive();
  }
};

TEST_CASE("a shop without customers is not failing") {
  Shop shop;
  CHECK(shop.window.status(kStart).success_ratio == 1);
  CHECK(shop.window.status(kStart + 1h).success_ratio == 1);
  shop.run_well(1s);
  CHECK(shop.window.status(shop.now + 1h).success_ratio == 1);  // old sales are forgotten
}

TEST_CASE("a healthy shop shows its rate and latency") {
  Shop shop;
  shop.run_well(10s);
  const WindowStatus status = shop.window.status(shop.now);
  CHECK(status.success_ratio == 1);
  CHECK(status.orders_per_second == Approx(40).epsilon(0.02));
  CHECK(status.arrivals_per_second == Approx(40).epsilon(0.02));
  CHECK(status.checkout_p95_ms == 20);
  CHECK(status.delivery_p95_ms == 10);
}

TEST_CASE("a shop that stops answering is seen about a second later") {
  Shop shop;
  shop.run_well(10s);
  shop.stall(1s);
  CHECK(shop.window.status(shop.now).success_ratio == 1);  // nobody has waited for long yet
  shop.stall(500ms);
  CHECK(shop.window.status(shop.now).success_ratio < 0.85);
  shop.stall(1s);
  CHECK(shop.window.status(shop.now).success_ratio < 0.3);
  shop.stall(1s);
  const WindowStatus status = shop.window.status(shop.now);
  CHECK(status.success_ratio == 0);
  CHECK(status.orders_per_second == 0);
  CHECK(status.checkout_p95_ms > 1'000);  // those who wait count with the time they have waited
}

TEST_CASE("a purchase counts against the shop once, waiting or ended") {
  Shop shop;
  const auto id = shop.arrive();
  shop.buy();
  shop.now += 2s;
  CHECK(shop.window.status(shop.now).success_ratio == 0.5);
  shop.window.ended(id, Ending::kFailed, shop.now);
  shop.buy();
  CHECK(shop.window.status(shop.now).success_ratio == Approx(2.0 / 3));
}

TEST_CASE("late keys and dropped customers are failures, sold out and a change of mind are not") {
  const auto ending = GENERATE(Ending::kLate, Ending::kFailed, Ending::kTurnedAway, Ending::kLeft);
  Shop shop;
  shop.buy();
  shop.buy(ending);
  CHECK(shop.window.status(shop.now + 1s).success_ratio ==
        (ending == Ending::kTurnedAway || ending == Ending::kLeft ? 1 : 0.5));
  shop.window.dropped(shop.now);
  CHECK(shop.window.status(shop.now + 1s).success_ratio < 0.7);
}

TEST_CASE("a paid customer who waits for his key shows in the delivery latency") {
  Shop shop;
  shop.window.acknowledged(shop.arrive(), shop.now);
  CHECK(shop.window.status(shop.now + 4s).delivery_p95_ms == 4'000);
  CHECK(shop.window.status(shop.now + 4s).overdue == 0);
}

TEST_CASE("memory is bounded") {
  Window::Options options;
  options.entries_max = 10;
  Window window(options, kStart);
  for (std::uint64_t id = 1; id <= 1'000; ++id) {
    window.arrived(id, kStart);
    window.ended(id, id > 990 ? Ending::kDelivered : Ending::kFailed, kStart);
  }
  CHECK(window.status(kStart).success_ratio == 1);  // the newest are kept
}

}  // namespace
}  // namespace panshi::shop
