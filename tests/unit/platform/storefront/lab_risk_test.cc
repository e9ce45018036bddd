// SPDX-License-Identifier: Apache-2.0
// Promise: the risk rules of the lab hold one address to their bound through both of its edges
// together, whatever else he makes up, and are in the way of no customer who repeats himself.
#include <array>
#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "core/io/yaml.h"
#include "platform/storefront/risk/engine.h"

namespace panshi::shop {
namespace {

using namespace std::chrono_literals;

RiskEngine edge_in_lab(const std::string& file) {
  const auto lab = load_yaml(PANSHI_SOURCE_DIR "/platform/lab/shop.yaml");
  REQUIRE(lab);
  for (const auto& written : lab->root.at("files")) {
    if (written.at("path") != "${lab}/shop/" + file) continue;
    const auto config = read_yaml(written.at("content").get<std::string>(), file);
    REQUIRE(config);
    Problems problems;
    RiskConfig risk;
    Fields in(config->root.at("risk"), "risk", problems);
    read_risk_config(in, risk);
    REQUIRE(problems.empty());
    return RiskEngine(risk);
  }
  throw std::runtime_error(cat(file, " is not in the lab"));
}

struct Edges {
  std::array<RiskEngine, 2> edges = {edge_in_lab("gateway.yaml"), edge_in_lab("gateway-b.yaml")};

  // Orders, a second after each other and at both edges in turn: how many were let in.
  int place(int orders, bool coupon, bool device) {
    int placed = 0;
    for (int i = 0; i < orders; ++i) {
      RiskEngine& edge = edges.at(static_cast<std::size_t>(i % 2));
      const RiskAttempt attempt = {.address = "127.9.9.9",
                                   .device = device ? cat("d-", i) : "",
                                   .user = cat("u-", i),
                                   .coupon = coupon};
      const MonoTime now = MonoTime(1h) + i * 1s;
      if (edge.check(attempt, now)) continue;
      edge.placed(attempt, cat("o-", i), now);
      edge.ended(attempt);
      ++placed;
    }
    return placed;
  }
};

}  // namespace

TEST_CASE("one address holds thirty unpaid orders through both edges, with whatever users") {
  CHECK(Edges().place(90, false, true) == 30);
}

TEST_CASE("one address gets ten coupons through both edges, with a device or without") {
  CHECK(Edges().place(60, true, false) == 10);
  CHECK(Edges().place(60, true, true) == 10);
}

TEST_CASE("a customer who repeats all he does for two orders at one edge meets no rule") {
  RiskEngine edge = edge_in_lab("gateway.yaml");
  RiskAttempt attempt = {.address = "127.240.0.1", .device = "d-1", .user = "u-1", .coupon = true};
  for (int i = 0; i < 10; ++i) {
    CHECK_FALSE(edge.check(attempt, MonoTime(1h)));
    if (i < 5) edge.placed(attempt, "o-1", MonoTime(1h));  // its answer was lost
    edge.ended(attempt);
    if (i == 5) attempt.coupon = false;  // it is used once
  }
  attempt.on = RiskRule::On::kPay;
  for (int i = 0; i < 10; ++i) {
    CHECK_FALSE(edge.check(attempt, MonoTime(1h)));
    edge.ended(attempt);
  }
}

}  // namespace panshi::shop
