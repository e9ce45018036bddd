// SPDX-License-Identifier: Apache-2.0
// Promise: a poller gets every event once and in order, or is told that it missed some; a watched
// signal that crosses its bound is urgent and nothing else is.
#include "agents/api/event_log.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>

#include "core/json/fields.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

Comparison watch(const std::string& signal, const std::string& is, double value) {
  Comparison comparison;
  comparison.signal = signal;
  comparison.is = is;
  comparison.value = value;
  return comparison;
}

json answer(const EventLog& log, std::uint64_t after, MonoTime now = {}) {
  return *parse_json(log.answer("run-1", after, now));
}

TEST_CASE("events and samples share one sequence, and age is told at the time of answering") {
  EventLog log({});
  const MonoTime start{};
  log.add_event("service.ready", {{"service", "shop"}}, start);
  log.add_sample("shop.up", 1, start + std::chrono::milliseconds(2));
  CHECK(answer(log, 0, start + std::chrono::milliseconds(5)) == json::parse(R"({
    "start_id": "run-1", "next": 2, "lost": false,
    "events": [{"seq":1,"age_us":5000,"kind":"service.ready","data":{"service":"shop"}}],
    "samples": [{"signal":"shop.up","age_us":3000,"value":1}]})"));
  CHECK(answer(log, 1)["events"].empty());
  CHECK(answer(log, 2)["samples"].empty());
  CHECK(answer(log, 2)["next"] == 2);
}

TEST_CASE("a poller that missed a dropped event is told so, one that had it is not") {
  EventLog log({.events_max = 2});
  for (int i = 0; i < 3; ++i) log.add_event("e", {{"i", i}}, {});
  CHECK(answer(log, 0)["lost"] == true);
  CHECK(answer(log, 1)["lost"] == false);
  CHECK(answer(log, 1)["events"].size() == 2);
}

TEST_CASE("samples are dropped from the oldest, and that is no loss of events") {
  EventLog log({.samples_max = 3});
  for (int i = 0; i < 10; ++i) log.add_sample("s", i, MonoTime(std::chrono::seconds(i)));
  const json got = answer(log, 0);
  CHECK(got["samples"].size() == 3);
  CHECK(got["samples"][0]["value"] == 7);
  CHECK(got["lost"] == false);
  CHECK(got["next"] == 10);
}

TEST_CASE("a long backlog comes in several answers without a gap") {
  EventLog log({.answer_bytes_max = 200});
  for (int i = 0; i < 20; ++i) {
    log.add_event("e", {{"i", i}}, {});
    log.add_sample("s", i, MonoTime(std::chrono::seconds(i)));
  }
  std::uint64_t after = 0;
  int events = 0;
  int samples = 0;
  while (after < log.last()) {
    const json got = answer(log, after);
    for (const json& event : got["events"]) CHECK(event["data"]["i"] == events++);
    for (const json& sample : got["samples"]) CHECK(sample["value"] == samples++);
    REQUIRE(got["next"] > after);
    after = got["next"];
  }
  CHECK(events == 20);
  CHECK(samples == 20);
}

TEST_CASE("events are bounded in bytes too") {
  EventLog log({.event_bytes_max = 1'000});
  for (int i = 0; i < 10; ++i) log.add_event("e", {{"text", std::string(300, 'x')}}, {});
  CHECK(answer(log, 0)["events"].size() == 3);
}

TEST_CASE("a watched signal is urgent when it crosses its bound, both ways, and only then") {
  EventLog log({});
  const std::vector<Comparison> watches = {watch("shop.up", "<", 1)};
  log.watch(watches);
  CHECK_FALSE(log.add_sample("shop.up", 1, {}));
  CHECK_FALSE(log.is_urgent(0, watches));
  CHECK(log.add_sample("shop.up", 0, {}));
  CHECK(log.is_urgent(1, watches));
  CHECK_FALSE(log.is_urgent(2, watches));  // it has that one
  CHECK_FALSE(log.add_sample("shop.up", 0, {}));
  CHECK_FALSE(log.is_urgent(2, watches));
  CHECK(log.add_sample("shop.up", 1, {}));
  CHECK(log.is_urgent(3, watches));
}

TEST_CASE("a bound that is crossed already when first watched is urgent until it was told") {
  EventLog log({});
  log.add_sample("p.latency_ms", 80, {});
  const std::vector<Comparison> watches = {watch("p.latency_ms", ">", 50)};
  log.watch(watches);
  CHECK(log.is_urgent(0, watches));
  CHECK_FALSE(log.is_urgent(1, watches));
}

TEST_CASE("watches of one poller are no concern of another") {
  EventLog log({});
  const std::vector<Comparison> mine = {watch("a", ">", 1), watch("a", ">", 5)};
  const std::vector<Comparison> other = {watch("b", ">", 1)};
  log.watch(mine);
  log.watch(other);
  log.add_sample("a", 2, {});
  CHECK(log.is_urgent(0, mine));
  CHECK_FALSE(log.is_urgent(0, other));
}

TEST_CASE("an event is urgent for everybody who has not had it") {
  EventLog log({});
  log.add_event("e", json::object(), {});
  CHECK(log.is_urgent(0, {}));
  CHECK_FALSE(log.is_urgent(1, {}));
}

TEST_CASE("a value that is no number is dropped, and odd text stays JSON") {
  EventLog log({});
  log.add_sample("s", NAN, {});
  log.add_sample("a\"b", 1, {});
  log.add_event("e", {{"text", "\xff\xfe"}}, {});
  CHECK(answer(log, 0)["samples"].size() == 1);
  CHECK(answer(log, 0)["events"].size() == 1);
}

// What a poller gets of 100 probes that run 20 times a second, for a minute.
struct Minute {
  EventLog log{EventLog::Limits()};
  std::size_t travelled = 0;
  std::uint64_t after = 0;

  void run(const std::function<double(int probe, int run)>& latency,
           const std::function<double(int probe, int run)>& up) {
    for (int run = 0; run < 60 * 20; ++run) {
      const MonoTime at(std::chrono::milliseconds(50 * run));
      for (int probe = 0; probe < 100; ++probe) {
        log.add_sample("p" + std::to_string(probe) + ".latency_ms", latency(probe, run), at);
        log.add_sample("p" + std::to_string(probe) + ".up", up(probe, run), at);
      }
      if (run % 20 != 19) continue;
      const json got = answer(log, after);
      travelled += got["samples"].size();
      after = got["next"];
    }
  }
};

TEST_CASE("of 2,000 results a second that nobody watches, one in twenty travels, and each change") {
  Minute minute;
  minute.run([](int, int run) { return 3 + run % 7; },
             [](int probe, int run) { return probe == 0 && run % 100 < 50 ? 0 : 1; });
  CHECK(minute.travelled >= 60u * 200);
  CHECK(minute.travelled <= 68u * 200 + 24);  // a digest each 0.9 s or later, 24 changes of p0.up
  EventLog log({});
  for (const int up : {1, 1, 0, 0, 1}) log.add_sample("p.up", up, {});
  const json got = answer(log, 0);
  REQUIRE(got["samples"].size() == 3);
  CHECK(got["samples"][1]["value"] == 0);
  CHECK(got["samples"][2]["value"] == 1);
}

TEST_CASE("a signal that is watched travels whole, from the value it had when first watched") {
  EventLog log({});
  for (const int value : {5, 6, 7}) log.add_sample("latency", value, {});
  CHECK(answer(log, 0)["samples"].size() == 1);
  log.watch(std::vector<Comparison>{watch("latency", ">", 100)});
  for (const int value : {8, 8}) log.add_sample("latency", value, {});
  const json got = answer(log, 0)["samples"];
  REQUIRE(got.size() == 4);
  CHECK(got[1]["value"] == 7);
  CHECK(got[3]["value"] == 8);
}

TEST_CASE("the watch not asked for longest is forgotten first") {
  EventLog log({.watches_max = 2});
  const std::vector<Comparison> first = {watch("a", ">", 1)};
  log.watch(first);
  log.watch(std::vector<Comparison>{watch("b", ">", 1)});
  log.watch(first);
  log.watch(std::vector<Comparison>{watch("c", ">", 1)});
  CHECK_FALSE(log.add_sample("b", 2, {}));
  CHECK(log.add_sample("a", 2, {}));
}

}  // namespace
}  // namespace panshi::agent
