// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/link/measure.h"

#include <cmath>

#include "agents/faults/effect.h"

namespace panshi::agent {
namespace {

using nlohmann::json;
using Kind = Toxic::Kind;

double ms(Duration of) { return static_cast<double>(of.count()) / 1000; }

// Within three standard deviations of a fair draw, so that luck is not called a miss.
void add_share(json& measured, const char* what, const Toxic& toxic, std::int64_t hits,
               std::int64_t of) {
  if (of == 0) return;
  const auto n = static_cast<double>(of);
  const double deviation = std::sqrt(toxic.toxicity * (1 - toxic.toxicity) / n);
  add_effect(measured, {.what = what,
                        .unit = "%",
                        .asked = 100 * toxic.toxicity,
                        .measured = 100 * static_cast<double>(hits) / n,
                        .tolerance = 300 * deviation});
}

json measured_delay(const Toxic& toxic, const ToxicReport& report) {
  // The link itself answers the handshake, so that costs nothing; a request waits once each way.
  const int ways = toxic.direction == Toxic::Direction::kBoth ? 2 : 1;
  json measured{{"chunks", report.chunks},
                {"delay_mean_us", report.mean.count()},
                {"delay_max_us", report.max.count()},
                {"late_p99_us", report.late_p99.count()},
                {"predicted", {{"handshake_ms", 0}, {"round_trip_ms", ways * ms(toxic.delay)}}}};
  if (report.chunks == 0) return measured;  // without traffic there is nothing to judge
  const double spread = ms(toxic.jitter) / std::sqrt(static_cast<double>(report.chunks));
  add_effect(measured, {.what = "delay",
                        .unit = "ms",
                        .asked = ms(toxic.delay),
                        .measured = ms(report.mean),
                        .tolerance = 1 + 3 * spread});
  return measured;
}

json measured_bandwidth(const Toxic& toxic, const ToxicReport& report) {
  json measured{{"bytes", report.bytes}, {"bytes_per_second", report.rate}};
  if (report.bytes < toxic.rate / 5) return measured;  // too little to tell a rate
  add_effect(measured, {.what = "rate",
                        .unit = "bytes/s",
                        .asked = static_cast<double>(toxic.rate),
                        .measured = static_cast<double>(report.rate),
                        .tolerance = 0.1 * static_cast<double>(toxic.rate)});
  return measured;
}

json measured_slow_close(const Toxic& toxic, const ToxicReport& report) {
  json measured{{"ends", report.chunks}, {"delay_mean_us", report.mean.count()}};
  if (report.chunks == 0) return measured;
  add_effect(measured, {.what = "delay",
                        .unit = "ms",
                        .asked = ms(toxic.delay),
                        .measured = ms(report.mean),
                        .tolerance = 1});
  return measured;
}

json measured_http(const Toxic& toxic, const ToxicReport& report) {
  json measured{{"requests", report.connections}, {"touched", report.touched}};
  if (toxic.kind != Kind::kHttpDelay) return measured;
  measured["delay_mean_us"] = report.mean.count();
  measured["late_p99_us"] = report.late_p99.count();
  measured["predicted"] = {{"handshake_ms", 0}, {"round_trip_ms", ms(toxic.delay)}};
  if (report.chunks == 0) return measured;
  add_effect(measured, {.what = "delay",
                        .unit = "ms",
                        .asked = ms(toxic.delay),
                        .measured = ms(report.mean),
                        .tolerance = 1});
  return measured;
}

json counts(const Toxic& toxic, const ToxicReport& report) {
  if (toxic.http) return measured_http(toxic, report);
  switch (toxic.kind) {
    case Kind::kDelay:
      return measured_delay(toxic, report);
    case Kind::kBandwidth:
      return measured_bandwidth(toxic, report);
    case Kind::kSlowClose:
      return measured_slow_close(toxic, report);
    case Kind::kSlicer:
      return {{"pieces", report.chunks},
              {"bytes", report.bytes},
              {"delay_mean_us", report.mean.count()}};
    case Kind::kRefuse:
      return {{"came", report.connections}, {"refused", report.ended}};
    default:
      return {{"touched", report.touched},
              {"ended", report.ended},
              {"bytes", report.bytes},
              {"dropped", report.dropped}};
  }
}

}  // namespace

json measured_toxic(const Toxic& toxic, const ToxicReport& report) {
  json measured = counts(toxic, report);
  if (toxic.kind == Kind::kRefuse) {
    add_share(measured, "refused", toxic, report.ended, report.connections);
  } else if (toxic.toxicity < 1) {
    add_share(measured, "touched", toxic, report.touched, report.connections);
  }
  return measured;
}

}  // namespace panshi::agent
