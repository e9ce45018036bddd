// SPDX-License-Identifier: Apache-2.0
// The promises under test: each toxic passes what it is told to, when it is told to, in order; one
// that is removed gives up what it held; a share of the connections is drawn from the seed.
#include <algorithm>
#include <catch2/catch.hpp>

#include "agents/links/toxic_chain.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;
using Kind = Toxic::Kind;

const MonoTime kStart = MonoTime() + 1h;

struct Bench {
  explicit Bench(std::vector<Toxic> toxics, std::uint64_t seed = 7) : chain(Random(seed)) {
    for (const Toxic& toxic : toxics) {
      rows.push_back({.id = cat("t", rows.size()), .toxic = toxic});
      chain.add(rows.back(), kStart);
    }
  }
  void read(std::string bytes, Duration after = {}) {
    chain.take({.at = kStart + after, .bytes = std::move(bytes)}, kStart + after);
  }
  void read_end(Duration after = {}) {
    chain.take({.at = kStart + after, .bytes = {}, .kind = Piece::Kind::kEnd}, kStart + after);
  }
  // What has come out by then: data as it is, its pieces divided by `|`; E end, C close, R reset.
  std::string by(Duration after) {
    while (const auto piece = chain.give(kStart + after)) {
      if (!out.empty()) out += '|';
      out += piece->bytes;
      if (piece->kind != Piece::Kind::kData) out += " ECR"[static_cast<int>(piece->kind)];
    }
    return out;
  }
  ToxicReport report(std::size_t toxic = 0) const { return rows[toxic].account->report(); }

  std::vector<ToxicRow> rows;
  ToxicChain chain;
  std::string out;
};

TEST_CASE("a delay passes each chunk that long after it was read, and the end after them") {
  Bench bench({{.kind = Kind::kDelay, .delay = 100ms}});
  bench.read("a");
  bench.read("b", 30ms);
  bench.read_end(30ms);
  CHECK(bench.by(99ms).empty());
  CHECK(bench.chain.next_deadline() == kStart + 100ms);
  CHECK(bench.by(100ms) == "a");
  CHECK(bench.by(130ms) == "a|b|E");
  CHECK(bench.report().chunks == 2);
  CHECK(bench.report().mean == 100ms);
}

TEST_CASE("two delays add up, and one that is removed leaves the other") {
  Bench bench({{.kind = Kind::kDelay, .delay = 100ms}, {.kind = Kind::kDelay, .delay = 50ms}});
  bench.read("a");
  CHECK(bench.by(149ms).empty());
  CHECK(bench.by(150ms) == "a");
  bench.read("b", 200ms);
  bench.chain.remove("t0", kStart + 210ms);
  CHECK(bench.by(249ms) == "a");
  CHECK(bench.by(250ms) == "a|b");
}

TEST_CASE("jitter spreads evenly around the delay and never reorders") {
  Bench bench({{.kind = Kind::kDelay, .delay = 10ms, .jitter = 10ms}});
  std::vector<int> order;
  std::vector<double> took;
  for (int i = 0; i < 2000; ++i) {
    const Duration at = i * 1s;
    bench.read("x", at);
    took.push_back(static_cast<double>((bench.chain.next_deadline() - kStart - at).count()));
    bench.by(at + 20ms);
  }
  std::sort(took.begin(), took.end());
  CHECK(took.front() >= 0);
  CHECK(took.back() <= 20'000);
  for (const double quarter : {0.25, 0.5, 0.75}) {
    CHECK(took[static_cast<std::size_t>(quarter * 2000)] == Approx(20'000 * quarter).margin(800));
  }
}

TEST_CASE("bandwidth lets no more than its rate pass, in small portions") {
  Bench bench({{.kind = Kind::kBandwidth, .rate = 1000}});
  bench.read(std::string(100, 'x'));
  CHECK(bench.by(9ms).empty());
  CHECK(bench.by(10ms) == std::string(10, 'x'));
  bench.by(50ms);
  CHECK(std::count(bench.out.begin(), bench.out.end(), 'x') == 50);
  bench.by(100ms);
  CHECK(std::count(bench.out.begin(), bench.out.end(), 'x') == 100);
  bench.read("y", 1s);  // what was not used is not saved up
  CHECK(bench.chain.next_deadline() == kStart + 1s + 1ms);
  CHECK(bench.report().rate == Approx(1000).epsilon(0.1));
}

TEST_CASE("a bandwidth of nothing holds everything until it is changed") {
  Bench bench({{.kind = Kind::kBandwidth, .rate = 0}});
  bench.read("abc");
  CHECK(bench.chain.next_deadline() == MonoTime::max());
  CHECK(bench.by(1h).empty());
  bench.rows[0].toxic.rate = 1'000'000;
  bench.chain.change(bench.rows[0], kStart + 1h);
  CHECK(bench.by(1h) == "abc");
}

TEST_CASE("a black hole drops bytes, closes after its time without any, and when it is removed") {
  const Toxic hole{.kind = Kind::kBlackHole, .delay = 100ms};
  Bench bench({hole});
  bench.read("lost", 60ms);
  CHECK(bench.by(159ms).empty());
  CHECK(bench.by(160ms) == "C");
  CHECK(bench.report().dropped == 4);
  Bench other({{.kind = Kind::kBlackHole}});
  other.read("lost");
  CHECK(other.chain.next_deadline() == MonoTime::max());
  other.chain.remove("t0", kStart + 1s);
  other.read("later", 1s);
  CHECK(other.by(1s) == "C|later");
}

TEST_CASE("a peer is reset the asked time after the first byte, and not without one") {
  Bench bench({{.kind = Kind::kResetPeer, .delay = 20ms}});
  CHECK(bench.chain.next_deadline() == MonoTime::max());
  bench.read("first", 5ms);
  bench.read("second", 10ms);
  CHECK(bench.by(24ms).empty());
  CHECK(bench.by(25ms) == "R");
  Bench quiet({{.kind = Kind::kResetPeer, .delay = 20ms}});
  quiet.chain.remove("t0", kStart);
  quiet.read("lives", 1ms);
  CHECK(quiet.by(1ms) == "lives");
}

TEST_CASE("a slicer cuts chunks into pieces of the asked size, the asked time apart") {
  Bench bench({{.kind = Kind::kSlicer, .delay = 10ms, .bytes = 2}});
  bench.read("abcde");
  CHECK(bench.by(0ms) == "ab");
  CHECK(bench.by(9ms) == "ab");
  CHECK(bench.by(20ms) == "ab|cd|e");
  Bench varied({{.kind = Kind::kSlicer, .bytes = 10, .variation = 5}});
  varied.read(std::string(10'000, 'x'));
  const std::string pieces = varied.by(0ms);
  std::vector<std::string> parts = split(pieces, '|');
  parts.pop_back();  // what was left
  for (const std::string& part : parts) CHECK((part.size() >= 5 && part.size() <= 15));
  CHECK(std::count(pieces.begin(), pieces.end(), 'x') == 10'000);
  Bench whole({{.kind = Kind::kSlicer}});
  whole.read("abc");
  CHECK(whole.by(0ms) == "abc");
}

TEST_CASE("a limit lets exactly its bytes pass and then closes") {
  Bench bench({{.kind = Kind::kLimit, .bytes = 5}});
  bench.read("abc");
  CHECK(bench.by(0ms) == "abc");
  bench.read("defg");
  bench.read("hij");
  CHECK(bench.by(0ms) == "abc|de|C");
  CHECK(bench.report().dropped == 5);
  CHECK(bench.report().ended == 1);
}

TEST_CASE("a slow close passes data at once and the end late") {
  Bench bench({{.kind = Kind::kSlowClose, .delay = 500ms}});
  bench.read("data");
  bench.read_end(1ms);
  CHECK(bench.by(1ms) == "data");
  CHECK(bench.by(500ms) == "data");
  CHECK(bench.by(501ms) == "data|E");
}

TEST_CASE("a slicer before a delay keeps order and passes every byte, bounded in pieces") {
  Bench bench({{.kind = Kind::kSlicer, .bytes = 1}, {.kind = Kind::kDelay, .delay = 1ms}});
  std::string sent;
  for (int i = 0; i < 5000; ++i) sent += static_cast<char>('a' + i % 26);
  bench.read(sent);
  bench.by(0ms);
  CHECK(bench.chain.weight() < sent.size() + 300 * Piece::kOverhead);
  for (int ms = 1; ms < 60; ++ms) bench.by(ms * 1ms);
  std::string got = bench.out;
  std::erase(got, '|');
  CHECK(got == sent);
}

TEST_CASE("toxicity touches its share of the connections, the same ones for the same seed") {
  const auto touched = [](std::uint64_t seed) {
    Bench bench({{.kind = Kind::kBlackHole, .toxicity = 0.3}}, seed);
    bench.read("x");
    return bench.by(0ms).empty();
  };
  int count = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    count += touched(seed) ? 1 : 0;
    REQUIRE(touched(seed) == touched(seed));
  }
  CHECK(count == Approx(600).margin(70));
  Bench never({{.kind = Kind::kBlackHole, .toxicity = 0}});
  never.chain.remove("t0", kStart);
  never.read("x");
  CHECK(never.by(0ms) == "x");
}

TEST_CASE("figures out of their bounds are refused") {
  CHECK(check({}));
  CHECK_FALSE(check({.delay = -1us}));
  CHECK_FALSE(check({.delay = 2h}));
  CHECK_FALSE(check({.kind = Kind::kBandwidth, .rate = -1}));
  CHECK_FALSE(check({.toxicity = 1.5}));
}

void read_reset(Bench& bench, Duration after = {}) {
  bench.chain.take({.at = kStart + after, .bytes = {}, .kind = Piece::Kind::kReset},
                   kStart + after);
}

TEST_CASE("a reset comes behind the bytes before it, through a delay as well") {
  Bench bench({{.kind = Kind::kDelay, .delay = 100ms}});
  bench.read("a");
  read_reset(bench, 30ms);
  CHECK(bench.by(100ms) == "a");
  CHECK(bench.by(130ms) == "a|R");
}

TEST_CASE("a black hole passes the end of who is gone at once and closes both sides by it") {
  Bench hole({{.kind = Kind::kBlackHole}});
  hole.read("lost");
  CHECK(hole.by(1h).empty());
  hole.read_end(2h);
  CHECK(hole.by(2h) == "C");
  Bench other({{.kind = Kind::kBlackHole}});
  read_reset(other);
  CHECK(other.by({}) == "R");
  CHECK(other.chain.swallows());
}

TEST_CASE("a reset_peer passes an end that no byte came before, and a reset before its time") {
  Bench quiet({{.kind = Kind::kResetPeer, .delay = 1s}});
  quiet.read_end();
  CHECK(quiet.by({}) == "E");
  Bench busy({{.kind = Kind::kResetPeer, .delay = 1s}});
  busy.read("lost");
  read_reset(busy, 10ms);
  CHECK(busy.by(10ms) == "R");
}

TEST_CASE("where nothing passes, a reset is not held for ever") {
  Bench bench({{.kind = Kind::kBandwidth, .rate = 0}});
  bench.read("held");
  CHECK(bench.by(1h).empty());
  read_reset(bench, 1h);
  CHECK(bench.by(1h) == "R");
}

TEST_CASE("what a delay has under way leaves room, what waits for the receiver does not") {
  Bench bench({{.kind = Kind::kDelay, .delay = 100ms}});
  bench.read(std::string(5000, 'x'));
  CHECK(bench.chain.room(kStart, 4000) == SIZE_MAX);
  CHECK(bench.chain.room(kStart + 100ms, 4000) == 0);  // due, and not taken
  Bench narrow({{.kind = Kind::kBandwidth, .rate = 1}});
  narrow.read(std::string(1000, 'x'));
  CHECK(narrow.chain.room(kStart, 4000) == 4000 - 1000 - Piece::kOverhead);
}

TEST_CASE("a chain that is flushed gives up everything in order, at once") {
  Bench bench({{.kind = Kind::kDelay, .delay = 1h}, {.kind = Kind::kBandwidth, .rate = 0}});
  bench.read("a");
  bench.read("b", 1ms);
  bench.chain.flush(kStart + 1ms);
  CHECK(bench.by(1ms) == "a|b");
}

}  // namespace
}  // namespace panshi::agent
