// SPDX-License-Identifier: Apache-2.0
// Promise: what a node sends costs its own samples at most, and it is seen again when it sends no
// more of that.
#include "controller/world/samples.h"

#include <catch2/catch.hpp>

#include "core/base/text.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;

WallTime after(Duration since) { return WallTime(std::chrono::days(20'000)) + since; }

Comparison sum_of(const std::string& signal, const std::string& node = "") {
  return {.signal = signal, .node = node, .is = ">=", .value = 0, .aggregate = "sum", .over = 5min};
}

TEST_CASE("the last five minutes of one node are not pushed out by another") {
  Samples samples(3s);
  for (int i = 0; i < 100; ++i) samples.add({.node = "honest"}, "s", after(i * 100ms), 1);
  for (int i = 0; i < 30'000; ++i) samples.add({.node = "loud"}, "s", after(10s + i * 1us), 0);
  CHECK(samples.observe(sum_of("s"), after(11s)).value == 100);
  CHECK(samples.observe(sum_of("s", "honest"), after(11s)).value == 100);
}

TEST_CASE("a node that sent names without end is seen again when they are stale") {
  Samples samples(3s);
  samples.add({.node = "n"}, "own", after(0s), 1);
  const auto invent = [&](Duration at, const char* how) {
    for (int i = 0; i < 2'000; ++i) samples.add({.node = "n"}, cat(how, i), after(at), 1);
  };
  invent(1s, "junk");
  samples.add({.node = "n"}, "own", after(2s), 1);
  samples.add({.node = "other"}, "theirs", after(2s), 1);
  CHECK(samples.was_fed(sum_of("own")));
  CHECK(samples.was_fed(sum_of("theirs")));
  samples.add({.node = "n"}, "new", after(2s), 1);
  CHECK_FALSE(samples.was_fed(sum_of("new")));  // while it floods, it is its own loss
  samples.add({.node = "n"}, "new", after(5s), 1);
  CHECK(samples.was_fed(sum_of("new")));
  CHECK_FALSE(samples.was_fed(sum_of("junk0")));  // what it has not sent for longest
  invent(5s, "more");
  CHECK(samples.observe(sum_of("own"), after(5s)).value == 2);
  CHECK(samples.signals().size() == Samples::kSeriesOfNodeMax + 1);
}

TEST_CASE("all samples of a node together are bounded") {
  Samples samples(3s);
  samples.add({.node = "other"}, "theirs", after(0s), 1);
  for (int i = 0; i < 60; ++i) {
    const std::string signal = cat("s", i);
    for (int j = 0; j < 10'000; ++j) samples.add({.node = "n"}, signal, after(j * 1us), 1);
  }
  int whole = 0;
  for (int i = 0; i < 60; ++i) {
    whole += samples.observe(sum_of(cat("s", i)), after(1s)).value == 10'000 ? 1 : 0;
  }
  CHECK(whole == 50);
  CHECK(samples.was_fed(sum_of("theirs")));
}

TEST_CASE("of several owners the newest sample counts, of others only where they are named") {
  Samples samples(3s);
  samples.add({.node = "a"}, "s", after(1s), 1);
  samples.add({.node = "b"}, "s", after(2s), 2);
  samples.add({.node = "a"}, "s", after(3s), 4);
  samples.add({.node = "liar", .owned = false}, "s", after(3500ms), 8);
  CHECK(samples.observe({.signal = "s", .node = {}}, after(4s)).value == 4);
  CHECK(samples.observe({.signal = "s", .node = {}}, after(2500ms)).value == 2);
  CHECK(samples.observe(sum_of("s"), after(4s)).value == 7);
  CHECK(samples.observe(sum_of("s", "liar"), after(4s)).value == 8);
  CHECK(samples.newest_by_node("s").size() == 2);
  CHECK(samples.longest_silence(sum_of("s"), after(1s), after(4s)) == 1s);
}

}  // namespace
}  // namespace panshi::controller
