// SPDX-License-Identifier: Apache-2.0
// The promise under test: what a link fault was asked for stands beside what it did, and a miss is
// told from luck.
#include <catch2/catch.hpp>

#include "agents/faults/link/measure.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;
using Kind = Toxic::Kind;

bool met(const nlohmann::json& measured) { return measured.at("effects").at(0).at("met"); }

TEST_CASE("a delay predicts what a request costs: nothing for the handshake, once each way") {
  const Toxic both{.kind = Kind::kDelay, .delay = 50ms};
  const Toxic one{.kind = Kind::kDelay, .delay = 50ms, .direction = Toxic::Direction::kDownstream};
  CHECK(measured_toxic(both, {}).at("predicted").at("round_trip_ms") == 100);
  CHECK(measured_toxic(one, {}).at("predicted").at("round_trip_ms") == 50);
  CHECK(measured_toxic(both, {}).at("predicted").at("handshake_ms") == 0);
  CHECK(met(measured_toxic(both, {.chunks = 10, .mean = 50'500us})));
  CHECK_FALSE(met(measured_toxic(both, {.chunks = 10, .mean = 52ms})));
}

TEST_CASE("a rate is judged once enough has passed") {
  const Toxic toxic{.kind = Kind::kBandwidth, .rate = 1000};
  CHECK_FALSE(measured_toxic(toxic, {.bytes = 100, .rate = 10}).contains("effects"));
  CHECK(met(measured_toxic(toxic, {.bytes = 1000, .rate = 950})));
  CHECK_FALSE(met(measured_toxic(toxic, {.bytes = 1000, .rate = 1200})));
}

TEST_CASE("a share is met within three standard deviations, a share of everything only exactly") {
  const Toxic refuse{.kind = Kind::kRefuse, .toxicity = 0.3};
  CHECK(met(measured_toxic(refuse, {.connections = 100, .ended = 40})));
  CHECK_FALSE(met(measured_toxic(refuse, {.connections = 100, .ended = 50})));
  CHECK_FALSE(measured_toxic(refuse, {}).contains("effects"));
  const Toxic all{.kind = Kind::kRefuse};
  CHECK_FALSE(met(measured_toxic(all, {.connections = 100, .ended = 99})));
  const Toxic hole{.kind = Kind::kBlackHole, .toxicity = 0.5};
  CHECK(met(measured_toxic(hole, {.connections = 100, .touched = 60})));
}

TEST_CASE("the end of a stream is held as long as asked") {
  const Toxic toxic{.kind = Kind::kSlowClose, .delay = 1s};
  CHECK(met(measured_toxic(toxic, {.chunks = 1, .mean = 1000'400us})));
  CHECK_FALSE(met(measured_toxic(toxic, {.chunks = 1, .mean = 1100ms})));
}

}  // namespace
}  // namespace panshi::agent
