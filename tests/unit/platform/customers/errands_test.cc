// SPDX-License-Identifier: Apache-2.0
// The promise under test: who comes when, and what for, depends on the seed alone, and arrivals are
// those of a Poisson process.
#include "platform/customers/errands.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <set>

namespace panshi::shop {
namespace {

using namespace std::chrono_literals;

constexpr MonoTime kStart{1h};

std::vector<MonoTime> arrivals_of(std::uint64_t seed, double rate, int count) {
  Arrivals arrivals(seed, RatePlan(rate), kStart);
  std::vector<MonoTime> times;
  for (int i = 0; i < count; ++i, arrivals.advance()) times.push_back(arrivals.next());
  return times;
}

TEST_CASE("arrivals come at the rate asked for, with exponential gaps") {
  const auto seed = GENERATE(range<std::uint64_t>(1, 6));
  INFO("seed " << seed);
  constexpr int kCount = 20'000;
  const auto times = arrivals_of(seed, 40, kCount);
  double sum = 0;
  double squares = 0;
  for (int i = 1; i < kCount; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const double gap = static_cast<double>((times[at] - times[at - 1]).count()) / 1e6;
    REQUIRE(gap >= 0);
    sum += gap;
    squares += gap * gap;
  }
  const double mean = sum / (kCount - 1);
  const double deviation = std::sqrt(squares / (kCount - 1) - mean * mean);
  CHECK(mean == Approx(0.025).epsilon(0.03));
  CHECK(deviation == Approx(mean).epsilon(0.05));  // exponential: both are equal
}

TEST_CASE("the same seed brings the same customers, another seed others") {
  CHECK(arrivals_of(7, 40, 100) == arrivals_of(7, 40, 100));
  CHECK(arrivals_of(7, 40, 100) != arrivals_of(8, 40, 100));
}

TEST_CASE("after a pause the schedule goes on from now") {
  Arrivals arrivals(1, RatePlan(40), kStart);
  arrivals.restart(RatePlan(10), kStart + 1h);
  CHECK(arrivals.next() > kStart + 1h);
  CHECK(arrivals.next() < kStart + 1h + 10s);
}

TEST_CASE("at rate 0 nobody comes") {
  CHECK(Arrivals(1, RatePlan(0), kStart).next() > kStart + 24h);
}

TEST_CASE("products are drawn by weight and keys are never used twice") {
  Errands errands(3, "run", {{"a", 3}, {"b", 1}}, 10);
  std::map<std::string, int> products;
  std::set<std::string> keys;
  std::set<std::string> users;
  for (int i = 0; i < 4'000; ++i) {
    const Errand errand = errands.next({});
    ++products[errand.product];
    users.insert(errand.user);
    CHECK(keys.insert(errand.order_key).second);
    CHECK(keys.insert(errand.pay_key).second);
  }
  CHECK(products["a"] > 2'850);
  CHECK(products["a"] < 3'150);
  CHECK(users.size() == 10);
  CHECK(users.contains("u-1"));
  CHECK(users.contains("u-10"));
}

int share_of_first(const Traffic& traffic) {
  Errands errands(3, "run", {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}}, 10);
  int first = 0;
  for (int i = 0; i < 4'000; ++i) first += errands.next(traffic).product == "a" ? 1 : 0;
  return first;
}

TEST_CASE("a hot product is wanted by the share that was asked for, and then some by weight") {
  Traffic traffic;
  traffic.hot = {"a", 80};
  CHECK(share_of_first(traffic) == Approx(4'000 * (0.8 + 0.2 / 4)).epsilon(0.05));
}

TEST_CASE("with an exponent the product at place n is wanted 1/n^exponent as often") {
  Traffic traffic;
  traffic.zipf = 1;
  CHECK(share_of_first(traffic) == Approx(4'000 / (1 + 1 / 2. + 1 / 3. + 1 / 4.)).epsilon(0.05));
}

TEST_CASE("honest customers sit each at a device and an address of their own, bad ones share few") {
  Errands errands(3, "run", {{"a", 1}}, 100'000);
  std::map<std::string, std::string> addresses;
  for (int i = 0; i < 2'000; ++i) {
    const Errand errand = errands.next({});
    const auto [known, is_new] = addresses.emplace(errand.user, errand.address);
    CHECK(known->second == errand.address);
    CHECK(errand.device == "d-" + errand.user.substr(2));
  }
  std::set<std::string> different;
  for (const auto& [user, address] : addresses) different.insert(address);
  CHECK(different.size() == addresses.size());
  std::set<std::string> bad;
  FraudBurst fraud;
  fraud.customers = 7;
  for (int i = 0; i < 500; ++i) {
    const Errand errand = errands.next_fraud(fraud);
    CHECK((errand.device == "bad-device-1" || errand.device == "bad-device-2"));
    CHECK(errand.address == "198.51.100.1");
    bad.insert(errand.user);
  }
  CHECK(bad.size() == 7);
}

TEST_CASE("another run with the same seed uses other keys") {
  CHECK(Errands(3, "one", {{"a", 1}}, 10).next({}).order_key !=
        Errands(3, "two", {{"a", 1}}, 10).next({}).order_key);
}

}  // namespace
}  // namespace panshi::shop
