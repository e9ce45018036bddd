// SPDX-License-Identifier: Apache-2.0
// Promise: a webhook is believed only as the provider sent it, just now; and what is planned for it
// comes from the seed.
#include "platform/storefront/services/webhook.h"

#include <catch2/catch.hpp>

using namespace panshi;
using namespace panshi::shop;
using nlohmann::json;

namespace {

constexpr std::int64_t kNow = 1'700'000'000'000'000;
constexpr Duration kWithin = std::chrono::minutes(5);
const std::string kSecret = "a secret of two";

Status check(const std::string& time, const std::string& signature, const std::string& body) {
  return check_webhook({.time = time, .signature = signature, .body = body}, kSecret, from_us(kNow),
                       kWithin);
}
Status check_sent_at(std::int64_t sent_us) {
  return check(std::to_string(sent_us), sign_webhook(kSecret, sent_us, "{}"), "{}");
}

json news() {
  const Order order = {.order = "o-1-game-100",
                       .user = "u1",
                       .product = "game-100",
                       .amount_cents = 1'000,
                       .idempotency_key = "k",
                       .body_hash = "h",
                       .placed_at_us = 5,
                       .charge = {}};
  return {{"event", "ev-1"},       {"type", kChargeSucceeded}, {"charge", "ch-7"},
          {"key", "p1"},           {"order", order.order},     {"user", order.user},
          {"amount_cents", 1'000}, {"created_us", 9},          {"details", to_json(order)}};
}

}  // namespace

TEST_CASE("only the provider's own words, as he sent them, are believed") {
  const std::string time = std::to_string(kNow);
  const std::string signature = sign_webhook(kSecret, kNow, "{}");
  CHECK(check(time, signature, "{}"));
  CHECK_FALSE(check(time, signature, "{ }"));
  CHECK_FALSE(check(std::to_string(kNow + 1), signature, "{}"));
  CHECK_FALSE(check(time, sign_webhook("another secret", kNow, "{}"), "{}"));
  CHECK_FALSE(check(time, "", "{}"));
  CHECK_FALSE(check("soon", sign_webhook(kSecret, 0, "{}"), "{}"));
  // Without a secret nobody can be believed, not even who signs with none.
  CHECK_FALSE(check_webhook({.time = time, .signature = sign_webhook("", kNow, ""), .body = ""}, "",
                            from_us(kNow), kWithin));
}

TEST_CASE("a webhook that was not sent just now is refused, however well it is signed") {
  CHECK(check_sent_at(kNow - 300'000'000));
  CHECK(check_sent_at(kNow + 300'000'000));
  CHECK_FALSE(check_sent_at(kNow - 300'000'001));
  CHECK_FALSE(check_sent_at(kNow + 300'000'001));
}

TEST_CASE("news of a charge carry the order with the charge and when it was made") {
  const auto read = read_webhook(news().dump());
  REQUIRE(read);
  CHECK(read->order.order == "o-1-game-100");
  CHECK(read->order.charge == "ch-7");
  CHECK(read->order.paid_at_us == 9);
}

TEST_CASE("news that contradict the order they are about are refused") {
  const json fields = {{"order", "o-2-game-100"},
                       {"user", "u2"},
                       {"amount_cents", 999},
                       {"charge", ""},
                       {"type", "?"},
                       {"details", json::object()}};
  for (const auto& [key, value] : fields.items()) {
    json bad = news();
    bad[key] = value;
    INFO(key);
    CHECK_FALSE(read_webhook(bad.dump()));
  }
  CHECK_FALSE(read_webhook("nothing"));
}

TEST_CASE("the seed says how late a webhook comes, and which come twice") {
  const WebhookTimes times = {
      .delay = std::chrono::seconds(1), .jitter = std::chrono::seconds(2), .duplicate_percent = 50};
  const auto plan = [&](std::uint64_t seed) {
    Random random(seed);
    std::vector<std::vector<std::int64_t>> all;
    for (int i = 0; i < 100; ++i) all.push_back(plan_webhook(times, random, kNow));
    return all;
  };
  CHECK(plan(1) == plan(1));
  CHECK(plan(1) != plan(2));
  int twice = 0;
  int overtaken = 0;
  std::int64_t before = 0;
  for (const auto& due : plan(1)) {
    for (const std::int64_t at : due) {
      CHECK(at >= kNow + 1'000'000);
      CHECK(at <= kNow + 3'000'000);
    }
    if (due.size() == 2) ++twice;
    if (due[0] < before) ++overtaken;
    before = due[0];
  }
  CHECK(twice > 30);
  CHECK(twice < 70);
  CHECK(overtaken > 30);
}

TEST_CASE(
    "a webhook that is not taken is sent again after a pause that doubles up to five minutes") {
  using std::chrono::milliseconds;
  CHECK(webhook_pause(milliseconds(200), 1) == milliseconds(200));
  CHECK(webhook_pause(milliseconds(200), 2) == milliseconds(400));
  CHECK(webhook_pause(milliseconds(200), 60) == std::chrono::minutes(5));
}
