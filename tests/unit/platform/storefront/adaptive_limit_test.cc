// SPDX-License-Identifier: Apache-2.0
// Promise: the limit falls while requests take longer than they do unloaded, comes back when they
// do not, and never leaves its bounds; noise below the floor does not move it.
#include "platform/storefront/model/adaptive_limit.h"

#include <catch2/catch.hpp>

using namespace panshi;
using namespace panshi::shop;
using namespace std::chrono_literals;

namespace {

AdaptiveLimit::Options options() {
  return {.min = 4, .max = 64, .floor = 10ms, .window = 100ms, .samples_min = 5, .remember = 60s};
}

// A gate before something that serves `capacity` requests at once, each in `service`; more queue.
struct Queue {
  AdaptiveLimit limit;
  std::int64_t capacity;
  Duration service = 20ms;
  MonoTime now{1h};

  // Everybody who may come in comes in, or `wanting` of them.
  void run(Duration time, std::int64_t wanting = 1'000) {
    for (const MonoTime until = now + time; now < until; now += 10ms) {
      const std::int64_t inside = std::min(limit.limit(), wanting);
      const std::int64_t rounds = std::max<std::int64_t>(1, (inside + capacity - 1) / capacity);
      limit.sample(0, service * rounds, inside, now);
    }
  }
};

}  // namespace

TEST_CASE("the limit settles near what is served at once, and not at its maximum") {
  Queue queue{.limit = {options(), 1}, .capacity = 8};
  queue.run(100ms, 1);  // how long it takes unloaded
  queue.run(20s);
  INFO(queue.limit.limit());
  CHECK(queue.limit.limit() >= 16);  // twice the unloaded latency is tolerated
  CHECK(queue.limit.limit() <= 32);
}

TEST_CASE("when the capacity comes back, so does the limit") {
  Queue queue{.limit = {options(), 1}, .capacity = 2};
  queue.run(100ms, 1);
  queue.run(10s);
  CHECK(queue.limit.limit() <= 12);
  queue.capacity = 64;
  queue.run(15s);
  CHECK(queue.limit.limit() == 64);
}

TEST_CASE("however slow it gets, the least limit stays") {
  Queue queue{.limit = {options(), 1}, .capacity = 8};
  queue.run(100ms, 1);
  queue.service = 2s;
  queue.run(5s);
  CHECK(queue.limit.limit() >= 4);
  CHECK(queue.limit.limit() <= 8);
}

TEST_CASE("latencies under the floor never lower the limit") {
  AdaptiveLimit limit(options(), 1);
  MonoTime now{1h};
  for (int i = 0; i < 2'000; ++i) {
    limit.sample(0, i % 2 == 0 ? 100us : 9ms, 60, now += 5ms);
  }
  CHECK(limit.limit() == 64);
}

TEST_CASE("a slow kind of request is measured against itself") {
  AdaptiveLimit limit(options(), 2);
  MonoTime now{1h};
  for (int i = 0; i < 2'000; ++i) {
    limit.sample(static_cast<std::size_t>(i % 2), i % 2 == 0 ? 12ms : 300ms, 60, now += 5ms);
  }
  CHECK(limit.limit() == 64);
}

TEST_CASE("one slow dependency of a few requests does not shut the gate for all") {
  AdaptiveLimit limit(options(), 2);
  MonoTime now{1h};
  for (int i = 0; i < 200; ++i) limit.sample(static_cast<std::size_t>(i % 4 == 0), 15ms, 60, now);
  for (int i = 0; i < 2'000; ++i) {
    const bool slow = i % 4 == 0;
    limit.sample(slow ? 1 : 0, slow ? 2'000ms : 15ms, 60, now += 5ms);
  }
  CHECK(limit.limit() == 64);
}

TEST_CASE("a limit that nobody needs does not grow") {
  Queue queue{.limit = {options(), 1}, .capacity = 2};
  queue.run(100ms, 1);
  queue.run(10s);
  const std::int64_t before = queue.limit.limit();
  queue.capacity = 64;
  queue.run(10s, 2);
  CHECK(queue.limit.limit() == before);
}

TEST_CASE("a queue that lasts does not become the new normal") {
  AdaptiveLimit::Options quick = options();
  quick.remember = 5s;
  Queue queue{.limit = {quick, 1}, .capacity = 8};
  queue.run(100ms, 1);
  queue.run(120s);
  INFO(queue.limit.limit());
  CHECK(queue.limit.limit() <= 40);
}
