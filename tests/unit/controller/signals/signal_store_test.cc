// SPDX-License-Identifier: Apache-2.0
// Promise: what changes is kept and comes back in order, also after a restart; what does not change
// costs one sample a second; age, rows, series and the buffer are bounded.
#include "controller/signals/signal_store.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <limits>

#include "core/base/text.h"
#include "tests/support/temporary_folder.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;

constexpr SignalStore::Limits kWide = {.age_max = 24h,
                                       .rows_max = 1'000'000,
                                       .buffer_max = 1'000'000,
                                       .series_max = 1000,
                                       .series_of_node_max = 1000};

WallTime at(Duration since) { return from_us(1'700'000'000'000'000) + since; }

std::vector<double> values(SignalStore& store, const SignalStore::Query& query) {
  const auto samples = store.read(query).value();
  std::vector<double> all;
  for (const auto& [when, value] : samples) all.push_back(value);
  return all;
}

TEST_CASE("samples come back in order, by signal, node and time, also after a restart") {
  const TemporaryFolder folder;
  {
    auto store = SignalStore::open(folder / "samples.sqlite", kWide).value();
    store->add("app-1", "latency_ms", at(1s), 10);
    store->add("app-1", "latency_ms", at(2s), 20);
    store->add("app-2", "latency_ms", at(3s), 30);
    store->add("app-1", "ratio", at(1s), 0.5);
    CHECK(values(*store, {.signal = "latency_ms", .node = "app-1"}) == std::vector{10.0, 20.0});
  }
  auto store = SignalStore::open(folder / "samples.sqlite", kWide).value();
  store->add("app-2", "latency_ms", at(4s), 40);
  CHECK(values(*store, {.signal = "latency_ms"}) == std::vector{10.0, 20.0, 30.0, 40.0});
  CHECK(values(*store, {.signal = "latency_ms", .from = at(2s), .to = at(3s)}) ==
        std::vector{20.0, 30.0});
  CHECK(values(*store, {.signal = "latency_ms", .limit = 1}) == std::vector{10.0});
  CHECK(store->nodes_of("latency_ms") == std::vector<std::string>{"app-1", "app-2"});
  CHECK(store->nodes_of("latency").empty());
}

TEST_CASE("a store that cannot be read says that it may be deleted") {
  const TemporaryFolder folder;
  std::ofstream(folder / "samples.sqlite") << std::string(5'000, 'x');
  const auto opened = SignalStore::open(folder / "samples.sqlite", kWide);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().message.find("may be deleted") != std::string::npos);
}

TEST_CASE("a value that does not change is kept once a second, and the newest is known at once") {
  const TemporaryFolder folder;
  auto store = SignalStore::open(folder / "samples.sqlite", kWide).value();
  for (int i = 0; i < 50; ++i) store->add("n", "up", at(i * 50ms), 1);  // 2.45 s
  store->add("n", "up", at(2500ms), 0);
  CHECK(values(*store, {.signal = "up"}) == std::vector{1.0, 1.0, 1.0, 0.0});
  REQUIRE(store->newest().size() == 1);
  CHECK(store->newest()[0].value == 0);
  CHECK(store->newest()[0].at == at(2500ms));
}

TEST_CASE("a sample that arrives late does not become the newest") {
  const TemporaryFolder folder;
  auto store = SignalStore::open(folder / "samples.sqlite", kWide).value();
  store->add("n", "s", at(2s), 2);
  store->add("n", "s", at(1s), 1);
  CHECK(store->newest().at(0).value == 2);
}

TEST_CASE(
    "a series grows at its end alone: what is sent again changes nothing, also after a restart") {
  const TemporaryFolder folder;
  const SignalStore::Query all = {.signal = "up"};
  std::vector<std::pair<WallTime, double>> written;
  for (const bool restarted : {false, true}) {
    INFO("restarted: " << restarted);
    auto store = SignalStore::open(folder / "samples.sqlite", kWide).value();
    if (!restarted) {
      for (int i = 0; i < 8; ++i) store->add("n", "up", at(i * 550ms), i == 5 ? 0 : 1);
      written = store->read(all).value();
      REQUIRE(written.size() == 5);
    }
    // The agent did not hear that we had these. We place them a little differently now.
    for (int i = 1; i < 7; ++i) store->add("n", "up", at(i * 550ms - 3ms), i == 5 ? 0 : 1);
    CHECK(store->read(all).value() == written);
  }
  auto store = SignalStore::open(folder / "samples.sqlite", kWide).value();
  store->add("n", "up", at(9s), 1);
  CHECK(store->read(all).value().size() == written.size() + 1);
}

TEST_CASE("what is no number is no sample") {
  const TemporaryFolder folder;
  auto store = SignalStore::open(folder / "samples.sqlite", kWide).value();
  store->add("n", "s", at(1s), std::numeric_limits<double>::quiet_NaN());
  store->add("n", "s", at(2s), std::numeric_limits<double>::infinity());
  CHECK(store->newest().empty());
  CHECK(values(*store, {.signal = "s"}).empty());
}

TEST_CASE("old samples go by age, and by number when there are too many") {
  const TemporaryFolder folder;
  SignalStore::Limits limits = kWide;
  limits.age_max = 50s;
  limits.rows_max = 20;
  auto store = SignalStore::open(folder / "samples.sqlite", limits).value();
  for (int i = 0; i < 100; ++i) store->add("n", "s", at(i * 1s), i);
  REQUIRE(store->flush());
  REQUIRE(store->prune(at(100s)));  // 100 rows: too many, but age cuts deeper
  CHECK(values(*store, {.signal = "s"}).front() == 50);
  REQUIRE(store->prune(at(100s)));  // 50 rows are still too many: a tenth of their time goes
  CHECK(values(*store, {.signal = "s"}).front() == 55);
}

TEST_CASE("more series or samples than allowed are dropped, and the others are kept") {
  const TemporaryFolder folder;
  SignalStore::Limits limits = kWide;
  limits.series_max = 2;
  auto store = SignalStore::open(folder / "samples.sqlite", limits).value();
  for (const char* node : {"a", "b", "c"}) store->add(node, "s", at(1s), 1);
  CHECK(store->nodes_of("s") == std::vector<std::string>{"a", "b"});
  store->add("a", "s", at(2s), 2);
  CHECK(values(*store, {.signal = "s", .node = "a"}) == std::vector{1.0, 2.0});
}

TEST_CASE("a node that invents signals takes room from nobody else") {
  const TemporaryFolder folder;
  SignalStore::Limits limits = kWide;
  limits.series_of_node_max = 3;
  for (const char* signal : {"s", "late"}) {  // the second time as it was left on disk
    auto store = SignalStore::open(folder / "samples.sqlite", limits).value();
    for (int i = 0; i < 10; ++i) store->add("liar", cat("invented", i), at(1s), 1);
    store->add("honest", signal, at(1s), 1);
    CHECK(store->nodes_of("invented2") == std::vector<std::string>{"liar"});
    CHECK(store->nodes_of("invented3").empty());
    CHECK(store->nodes_of(signal) == std::vector<std::string>{"honest"});
  }
}

TEST_CASE("a node that once invented signals is seen again, also after a restart") {
  const TemporaryFolder folder;
  SignalStore::Limits limits = kWide;
  limits.series_of_node_max = 3;
  {
    auto store = SignalStore::open(folder / "samples.sqlite", limits).value();
    for (int i = 0; i < 10; ++i) store->add("n", cat("invented", i), at(1s), 1);
    REQUIRE(store->flush());
    store->add("n", "invented1", at(50s), 1);
    for (int i = 0; i < 3; ++i) store->add("n", "own", at(62s + i * 1s), 7);
    CHECK(values(*store, {.signal = "own"}).size() >= 2);  // not at each sample is room looked for
    CHECK(store->nodes_of("invented0").empty());
    CHECK(values(*store, {.signal = "invented0"}).empty());
    CHECK(values(*store, {.signal = "invented1"}) == std::vector{1.0, 1.0});
  }
  auto store = SignalStore::open(folder / "samples.sqlite", limits).value();
  store->add("n", "invented0", at(130s), 3);  // in the place of another, as a new one
  CHECK(values(*store, {.signal = "invented0"}) == std::vector{3.0});
  CHECK(values(*store, {.signal = "own"}).size() >= 2);
}

TEST_CASE("rows that one node fills are its own to lose") {
  const TemporaryFolder folder;
  SignalStore::Limits limits = kWide;
  limits.rows_max = 100;
  auto store = SignalStore::open(folder / "samples.sqlite", limits).value();
  for (int i = 0; i < 20; ++i) store->add("honest", "s", at(i * 1s), i);
  for (int i = 0; i < 300; ++i) store->add("liar", "junk", at(1min + i * 1s), i);
  REQUIRE(store->flush());
  REQUIRE(store->prune(at(6min)));
  CHECK(values(*store, {.signal = "s"}).size() == 20);
  CHECK(values(*store, {.signal = "junk"}).size() == 270);
}

}  // namespace
}  // namespace panshi::controller
