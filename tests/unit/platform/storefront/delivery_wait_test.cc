// SPDX-License-Identifier: Apache-2.0
// Promise: the delivery latency rises at once when nobody answers, and accuses nobody else's fault.
#include "platform/storefront/services/delivery_wait.h"

#include <catch2/catch.hpp>

using namespace panshi;
using namespace panshi::shop;
using namespace std::chrono_literals;

namespace {
const MonoTime kStart{1h};
}

TEST_CASE("the latency is the age of the oldest order that has no answer") {
  DeliveryWait wait;
  wait.asked("a", kStart);
  wait.asked("b", kStart + 50ms);
  CHECK(wait.latency_ms(kStart + 200ms) == Approx(200));
  wait.delivered("a", kStart + 210ms);
  CHECK(wait.latency_ms(kStart + 250ms) == Approx(200));
  CHECK(wait.waiting() == 1);
}

TEST_CASE("an order that asks again keeps its first time") {
  DeliveryWait wait;
  wait.asked("a", kStart);
  wait.asked("a", kStart + 300ms);
  CHECK(wait.latency_ms(kStart + 400ms) == Approx(400));
}

TEST_CASE("an excused order counts neither as waiting nor in the mean") {
  DeliveryWait wait;
  wait.asked("a", kStart);
  wait.excused("a");
  CHECK(wait.latency_ms(kStart + 10s) == Approx(0));
  wait.delivered("a", kStart + 10s);
  CHECK(wait.latency_ms(kStart + 10s) == Approx(0));
}

TEST_CASE("with none waiting the latency follows the last deliveries and forgets a slow one") {
  DeliveryWait wait;
  wait.asked("slow", kStart);
  wait.delivered("slow", kStart + 500ms);
  CHECK(wait.latency_ms(kStart + 1s) == Approx(100));
  for (int i = 0; i < 20; ++i) {
    wait.asked("quick", kStart + 1s);
    wait.delivered("quick", kStart + 1s + 10ms);
  }
  CHECK(wait.latency_ms(kStart + 2s) < 12);
}
