// SPDX-License-Identifier: Apache-2.0
// Promise: whatever number an agent says that an age or a length is, what we keep is between
// nothing and a week, and no sum of it leaves 64 bits.
#include <catch2/catch.hpp>

#include "controller/events/event_data.h"
#include "tests/unit/controller/step/scene.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr std::int64_t kWeek = Duration(limits::kAgeMax).count();

// What no clock says, and what becomes of it; nothing: it was no number.
struct Said {
  const char* json;
  std::optional<std::int64_t> kept;
};
const std::vector<Said> kSaid = {
    {"-1", 0},
    {"-9223372036854775808", 0},
    {"9223372036854775807", kWeek},
    {"18446744073709551615", kWeek},
    {"1e300", kWeek},
    {"-1e300", 0},
    {"0.5", 0},
    {"1500000", 1'500'000},
    {"\"1500000\"", {}},
    {"\"\"", {}},
    {"null", {}},
    {"true", {}},
    {"[7]", {}},
    {"{}", {}},
};

TEST_CASE("a length that an agent says is between nothing and a week") {
  for (const Said& said : kSaid) {
    INFO(said.json);
    const Json data = {{"age_us", Json::parse(said.json)}};
    const auto length = length_of(data, "age_us");
    CHECK(length.has_value() == said.kept.has_value());
    if (length && said.kept) CHECK(length->count() == *said.kept);
  }
  CHECK(!length_of(Json::array(), "age_us"));
}

TEST_CASE("a number beyond 64 bits is the largest that is not") {
  CHECK(integer_of(Json::parse(R"({"n":18446744073709551615})"), "n") == INT64_MAX);
  CHECK(integer_of(Json::parse(R"({"n":-5})"), "n") == -5);
  CHECK(!integer_of(Json::parse(R"({"n":1e300})"), "n"));
}

TEST_CASE("the ages of a fault in a status bring no time beyond those that can be") {
  const Said live = GENERATE(from_range(kSaid));
  const Said ended = GENERATE(from_range(kSaid));
  INFO(live.json << " " << ended.json);
  const bool ordered = GENERATE(false, true);
  Scene scene;
  scene.agents_up();
  Json fault = {{"id", "x"}, {"kind", "process.pause"}, {"target", {{"node", "crowd-1"}}}};
  if (ordered) {
    REQUIRE(scene.command("fault.apply", {{"kind", "process.pause"},
                                          {"target", {{"service", "cardkeys-primary"}}},
                                          {"for", "30s"}}));
    fault["id"] = "f-1";
    fault["target"] = {{"service", "cardkeys-primary"}};
  }
  const std::string node = ordered ? "keys-1" : "crowd-1";
  const WallTime start = scene.now;
  scene.now += 1s;
  fault["live_age_us"] = Json::parse(live.json);
  fault["ended_age_us"] = Json::parse(ended.json);
  for (const char* state : {"live", "reverted"}) {
    fault["state"] = state;
    scene.agent_up(node, Json::array({fault}));
  }
  for (const Event& event : scene.journal) {
    INFO(event.kind << " " << event.data.dump());
    CHECK(event.at <= scene.now);
    CHECK(event.at >= start - limits::kAgeMax);
    if (!event.data.contains("live_for_us")) continue;
    CHECK(event.data["live_for_us"] >= 0);
    CHECK(event.data["live_for_us"] <= kWeek);
  }
}

TEST_CASE("what an event of an agent took is bounded before it is kept") {
  const Said said = GENERATE(from_range(kSaid));
  INFO(said.json);
  const Json number = Json::parse(said.json);
  Scene scene;
  scene.agents_up();
  scene.fleet = [](const Effect&) { return std::nullopt; };
  REQUIRE(scene.command(
      "fault.apply",
      {{"kind", "process.pause"}, {"target", {{"service", "cardkeys-primary"}}}, {"for", "30s"}}));
  scene.now += 1s;
  const Json data = {
      {"fault", "f-1"}, {"service", "orders"}, {"took_us", number}, {"live_for_us", number}};
  scene.step(AgentEvents{"keys-1", {{scene.now, "fault.reverted", data}}, {}});
  scene.step(AgentEvents{"app-1", {{scene.now, "service.ready", data}}, {}});
  for (const char* kind : {"fault.reverted", "service.ready"}) {
    const Event& event = scene.only(kind);
    if (said.kept) CHECK(event.data["took_us"] == *said.kept);
  }
  if (said.kept) CHECK(scene.only("fault.live").at <= scene.now);
}

TEST_CASE("how long a service has been so is bounded, and nothing where it is no number") {
  const Said said = GENERATE(from_range(kSaid));
  INFO(said.json);
  Scene scene;
  scene.agents_up();
  const Json service = {{"name", "orders"}, {"state", "ready"}, {"age_us", Json::parse(said.json)}};
  scene.step(AgentState{"app-1", {{"start_id", "s"}, {"services", Json::array({service})}}, {}});
  const Json shown = scene.world.view(scene.now)["agents"]["app-1"]["services"][0];
  CHECK(shown.contains("since_us") == said.kept.has_value());
  if (!said.kept) return;
  CHECK(shown["since_us"] <= to_us(scene.now));
  CHECK(shown["since_us"] >= to_us(scene.now - limits::kServiceAgeMax));
}

}  // namespace
}  // namespace panshi::controller
