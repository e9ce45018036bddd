// SPDX-License-Identifier: Apache-2.0
// Promise: one bad run is no outage, the second is; every run is a sample; schedules never drift.
#include "agents/probes/board.h"

#include <catch2/catch.hpp>

#include "agents/probes/judge.h"

namespace panshi::agent {
namespace {

ProbeRun run_of(const std::string& probe, bool good, Duration latency = 3ms) {
  return {probe, good, good ? "" : "HTTP 503", latency, MonoTime(7s), {}};
}

TEST_CASE("a probe is up after `rise` good runs and down after `fall` bad ones in a row") {
  ProbeJudge judge(2, 3);
  CHECK_FALSE(judge.take(true));
  CHECK_FALSE(judge.up());
  CHECK(judge.take(true));
  CHECK(judge.up() == true);
  CHECK_FALSE(judge.take(false));
  CHECK_FALSE(judge.take(false));
  CHECK_FALSE(judge.take(true));  // begins to count anew
  CHECK_FALSE(judge.take(false));
  CHECK_FALSE(judge.take(false));
  CHECK(judge.take(false));
  CHECK(judge.up() == false);
}

TEST_CASE("runs stay on the grid of the first, and missed ones are skipped") {
  const auto at = [](int ms) { return MonoTime(std::chrono::milliseconds(ms)); };
  CHECK(on_grid(at(100), 50ms, at(101)) == at(150));
  CHECK(on_grid(at(100), 50ms, at(150)) == at(150));  // a run that timed out: the next is due now
  CHECK(on_grid(at(100), 50ms, at(199)) == at(150));
  CHECK(on_grid(at(100), 50ms, at(437)) == at(400));
}

TEST_CASE("each run is a sample, only a change is an event") {
  ProbeConfig config;
  config.name = "shop-http";
  config.service = "shop";
  config.target.kind = "http";
  const std::vector<ProbeConfig> probes = {config};
  ProbeBoard board(probes);
  ProbeNews news;
  board.take(run_of("shop-http", false), news);
  CHECK(news.samples.size() == 1);  // only the latency: `up` is not known yet
  CHECK(board.view()[0]["reason"] == "not known yet");
  board.take(run_of("shop-http", false), news);
  REQUIRE(news.events.size() == 1);
  CHECK(news.events[0].first == "probe.changed");
  CHECK(news.events[0].second ==
        nlohmann::json{
            {"probe", "shop-http"}, {"service", "shop"}, {"up", false}, {"reason", "HTTP 503"}});
  news = {};
  auto run = run_of("shop-http", true, 1500us);
  run.values = {{"depth", 4}};
  board.take(run, news);
  CHECK(news.events.empty());
  REQUIRE(news.samples.size() == 3);
  CHECK(news.samples[0].signal == "shop-http.up");
  CHECK(news.samples[0].value == 0);
  CHECK(news.samples[1].signal == "shop-http.latency_ms");
  CHECK(news.samples[1].value == 1.5);
  CHECK(news.samples[2].signal == "depth");
}

TEST_CASE("the end of a process is believed at once") {
  ProbeConfig config;
  config.name = "shop-process";
  config.service = "shop";
  config.target.kind = "process";
  config.fall = 5;
  const std::vector<ProbeConfig> probes = {config};
  ProbeBoard board(probes);
  ProbeNews news;
  board.process_seen("shop", true, {}, news);
  board.process_seen("shop", true, {}, news);
  CHECK(news.events.size() == 1);
  board.process_seen("other", false, {}, news);
  CHECK(news.events.size() == 1);
  board.process_seen("shop", false, {}, news);
  REQUIRE(news.events.size() == 2);
  CHECK(news.events[1].second["up"] == false);
}

}  // namespace
}  // namespace panshi::agent
