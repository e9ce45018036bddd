// SPDX-License-Identifier: Apache-2.0
// The promise under test: the figures of a look through an interface are those of its packets.
#include "agents/host/packet_tap.h"

#include <catch2/catch.hpp>

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;

TapReport delayed(const std::vector<Duration>& delays) {
  TapReport report;
  for (const Duration delay : delays) report.packets.push_back({.times = 1, .delay = delay});
  return report;
}

TEST_CASE("lost packets have no delay, and do not count in the mean of the others") {
  TapReport report = delayed({90ms, 110ms});
  report.packets.push_back({});
  CHECK(mean_delay_ms(report) == Approx(100));
  CHECK(half_range_ms(report) == Approx(10));
  CHECK(percent_of(report, [](const TappedPacket& each) { return each.times == 0; }) ==
        Approx(100.0 / 3));
}

TEST_CASE("of a look that saw nothing there are no figures") {
  const TapReport nothing;
  CHECK(mean_delay_ms(nothing) == 0);
  CHECK(half_range_ms(nothing) == 0);
  CHECK(rate_after(nothing, 0) == 0);
}

TEST_CASE("a rate is what goes after the burst, not the burst") {
  TapReport report;
  for (int i = 0; i < 10; ++i) report.sent.push_back({from_us(0), 1'000});
  for (int i = 1; i <= 5; ++i) report.sent.push_back({from_us(100'000 * i), 1'000});
  CHECK(rate_after(report, 10'000) == Approx(10'000));
  CHECK(rate_after(report, 15'000) == 0);  // nothing came after it
}

}  // namespace
}  // namespace panshi::agent
