// SPDX-License-Identifier: Apache-2.0
// Promise: the degradation plan is read whole or refused with every mistake.
#include "platform/storefront/degradation/plan.h"

#include <catch2/catch.hpp>

#include "platform/storefront/pages/words.h"

using namespace panshi;
using namespace panshi::shop;

TEST_CASE("the plan has at least 20 functions, of all three levels, in both languages") {
  const auto plan = read_degradation_plan(kDegradationPlanYaml);
  REQUIRE(plan);
  CHECK(plan->size() >= 20);
  std::map<std::int64_t, int> levels;
  for (const DegradationRow& row : *plan) {
    INFO(row.function);
    ++levels[row.level];
    if (!row.says.empty()) CHECK(words(Language::kEnglish).all().contains(row.says));
    if (row.level == 1) {  // the core never needs the extras
      CHECK(std::count(row.depends_on.begin(), row.depends_on.end(), "extras") == 0);
    }
  }
  CHECK(levels.size() == 3);
  CHECK(to_json(*plan).size() == plan->size());
}

TEST_CASE("a plan with mistakes is refused, and each of them is named") {
  const auto plan = read_degradation_plan(
      "functions:\n"
      "  - {function: a, level: 4, title: {zh: x, en: y}, depends_on: [orders],"
      " otherwise: {zh: x}, answer: {status: 200}}\n"
      "  - {function: a, level: 1, title: {zh: x, en: y}, otherwise: {zh: x, en: y},"
      " answer: {status: 200, says: stale}, extra: 1}\n");
  REQUIRE_FALSE(plan);
  const std::string& why = plan.error().message;
  INFO(why);
  for (const char* part : {"level", "otherwise.en", "leaves_out", "depends_on", "twice", "extra"}) {
    INFO(part);
    CHECK(why.find(part) != std::string::npos);
  }
}
