// SPDX-License-Identifier: Apache-2.0
// Traffic: who comes to the shop, how many, and what for, as the configuration and `POST /plan`
// say it (docs/reference/storefront.md).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/json/fields.h"
#include "platform/customers/rate_plan.h"

namespace panshi::shop {

// What somebody comes for.
enum class Kind { kBuy, kBrowse, kHistory, kChat, kFraud };
constexpr std::size_t kHonestKinds = 4;
std::string_view kind_name(Kind kind);

struct HotProduct {
  std::string product;   // "": none
  unsigned percent = 0;  // of all customers want this one, the others as ever
};

// A few people who order as fast as they can and never pay.
struct FraudBurst {
  double rate = 0;  // orders a second, all of them together
  Duration after{};
  Duration span = std::chrono::seconds(10);
  std::int64_t customers = 5;
  std::int64_t devices = 2;
  std::int64_t addresses = 1;
};

using Mix = std::array<std::int64_t, kHonestKinds>;  // weights, by Kind

struct Traffic {
  double rate = 1;  // honest customers a second
  std::vector<PlanStep> plan = {};
  Mix mix = {1, 0, 0, 0};
  HotProduct hot = {};
  double zipf = 0;  // the product at place n of the list is wanted 1/n^zipf as often; 0: by weight
  FraudBurst fraud = {};
};

// What is to be otherwise from now on.
struct TrafficChange {
  std::optional<double> rate;
  std::optional<std::vector<PlanStep>> plan;
  std::optional<Mix> mix;
  std::optional<HotProduct> hot;
  std::optional<double> zipf;
  std::optional<FraudBurst> fraud;
};

// Keys rate, plan, mix, hot, zipf, fraud; each may be absent. `products`: those there are.
void read_traffic(Fields& in, const std::vector<std::string>& products, TrafficChange& change);
void apply(const TrafficChange& change, Traffic& traffic);

}  // namespace panshi::shop
