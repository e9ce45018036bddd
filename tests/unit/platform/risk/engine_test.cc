// SPDX-License-Identifier: Apache-2.0
// Promise: rules object to what they describe and to nothing else; a burst from one address costs
// nobody else anything; what cannot be told passes or not as the rule says.
#include "platform/storefront/risk/engine.h"

#include <catch2/catch.hpp>

#include "core/base/text.h"

using namespace panshi;
using namespace panshi::shop;
using namespace std::chrono_literals;

namespace {

const MonoTime kStart{1h};

RiskConfig config_of(const std::string& json) {
  Problems problems;
  RiskConfig config;
  const auto parsed = parse_json(json);
  REQUIRE(parsed);
  Fields in(*parsed, "risk", problems);
  read_risk_config(in, config);
  in.done();
  INFO(problems.error().message);
  REQUIRE(problems.empty());
  return config;
}

RiskEngine engine_of(const std::string& rules) {
  return RiskEngine(config_of(cat(R"({"rules": [)", rules, "]}")));
}

RiskAttempt from(const std::string& address, const std::string& user,
                 const std::string& device = "") {
  return {.address = address, .device = device, .user = user};
}

// Of an attempt that is over at once.
std::optional<RiskEngine::Objection> check(RiskEngine& engine, const RiskAttempt& attempt,
                                           MonoTime now) {
  const auto objection = engine.check(attempt, now);
  if (!objection) engine.ended(attempt);
  return objection;
}

std::string problems_of(const std::string& rule) {
  Problems problems;
  RiskConfig config;
  const auto parsed = parse_json(cat(R"({"rules": [)", rule, "]}"));
  REQUIRE(parsed);
  Fields in(*parsed, "risk", problems);
  read_risk_config(in, config);
  in.done();
  return problems.error().message;
}

const char* const kPerAddress =
    R"({"name": "burst", "key": "address", "window": "10s", "limit": 3})";
const char* const kPerUser = R"({"name": "user", "key": "user", "window": "10s", "limit": 2})";

}  // namespace

TEST_CASE("without rules everything passes") {
  RiskEngine engine = engine_of("");
  for (int i = 0; i < 1'000; ++i) CHECK_FALSE(check(engine, from("1.1.1.1", "u"), kStart));
}

TEST_CASE("a burst from one address is refused, and nobody else is") {
  RiskEngine engine = engine_of(kPerAddress);
  int refused = 0;
  for (int i = 0; i < 100; ++i) {
    refused += check(engine, from("6.6.6.6", cat("u", i)), kStart).has_value();
  }
  CHECK(refused == 97);
  CHECK(check(engine, from("6.6.6.6", "new"), kStart)->rule->name == "burst");
  CHECK_FALSE(check(engine, from("1.1.1.1", "honest"), kStart));
}

TEST_CASE("what an address rule refuses never reaches the memory of the others") {
  RiskEngine engine =
      engine_of(cat(kPerUser, ",", kPerAddress));  // the order of keys, not of lines
  for (int i = 0; i < 100; ++i) (void)check(engine, from("6.6.6.6", cat("u", i)), kStart);
  CHECK(engine.keys() == 1 + 3);
  for (int i = 0; i < 100; ++i) (void)check(engine, from("6.6.6.6", "victim"), kStart);
  CHECK_FALSE(check(engine, from("1.1.1.1", "victim"), kStart));
}

TEST_CASE("one device with many users is refused the next user, and goes on with the known ones") {
  RiskEngine engine = engine_of(
      R"({"name": "farm", "key": "device", "counts": "users", "window": "1h", "limit": 2})");
  CHECK_FALSE(check(engine, from("1.1.1.1", "u1", "d"), kStart));
  CHECK_FALSE(check(engine, from("1.1.1.1", "u2", "d"), kStart));
  CHECK(check(engine, from("1.1.1.1", "u3", "d"), kStart));
  CHECK_FALSE(check(engine, from("1.1.1.1", "u1", "d"), kStart));
  CHECK_FALSE(check(engine, from("1.1.1.1", "u3", "e"), kStart));
}

TEST_CASE("failed payments count, good ones do not, and only for the payments") {
  RiskEngine engine = engine_of(
      R"({"name": "cards", "on": "pay", "key": "user", "counts": "failures", "window": "10m",
          "limit": 2})");
  RiskAttempt pay = from("1.1.1.1", "u");
  pay.on = RiskRule::On::kPay;
  for (int i = 0; i < 10; ++i) CHECK_FALSE(check(engine, pay, kStart));
  engine.failed(pay, kStart);
  CHECK_FALSE(check(engine, pay, kStart));
  engine.failed(pay, kStart);
  CHECK(check(engine, pay, kStart));
  CHECK_FALSE(check(engine, from("1.1.1.1", "u"), kStart));  // an order
}

TEST_CASE("orders that hold stock unpaid are bounded, and a paid or expired one makes room") {
  auto engine = engine_of(
      R"({"name": "hoard", "on": "place", "key": "user", "counts": "unpaid", "window": "10m",
          "limit": 2})");
  const auto may = [&](const std::string& user, MonoTime now) {
    return !check(engine, from("a", user), now);
  };
  const auto place = [&](const std::string& user, const std::string& order, MonoTime now) {
    engine.placed(from("a", user), order, now);
  };
  for (int i = 0; i < 10; ++i) CHECK(may("u", kStart));  // what was not placed holds nothing
  place("u", "o-1", kStart);
  place("u", "o-1", kStart);  // a repeat is the same order
  CHECK(may("u", kStart));
  place("u", "o-2", kStart + 1min);
  CHECK_FALSE(may("u", kStart + 1min));
  CHECK(may("v", kStart + 1min));
  engine.paid("o-1");
  engine.paid("o-9");
  CHECK(may("u", kStart + 1min));
  place("u", "o-3", kStart + 2min);
  CHECK_FALSE(may("u", kStart + 10min));
  CHECK(may("u", kStart + 11min));  // o-2 is over
  place("u", "o-4", kStart + 11min);
  CHECK_FALSE(may("u", kStart + 11min));
  CHECK(may("u", kStart + 21min));
  CHECK(engine.keys() == 0);
}

TEST_CASE("orders with a coupon are bounded, paid or not, and orders without one are not") {
  auto engine = engine_of(
      R"({"name": "coupons", "on": "place", "key": "device", "counts": "coupons", "window": "24h",
          "limit": 2})");
  const auto attempt = [](const std::string& user, bool coupon) {
    RiskAttempt made = from("a", user, "d");
    made.coupon = coupon;
    return made;
  };
  for (int i = 0; i < 5; ++i) {  // each as another user
    const std::string user = cat("u-", i);
    const bool passes = !check(engine, attempt(user, true), kStart);
    CHECK(passes == (i < 2));
    if (passes) engine.placed(attempt(user, true), cat("o-", i), kStart);
    engine.paid(cat("o-", i));
    CHECK_FALSE(check(engine, attempt(user, false), kStart));
    engine.placed(attempt(user, false), cat("p-", i), kStart);
  }
  CHECK_FALSE(check(engine, from("a", "u-0", "another"), kStart));
  CHECK_FALSE(check(engine, attempt("u-9", true), kStart + 24h));
  CHECK(problems_of(R"({"name": "a", "key": "user", "window": "1s", "limit": 1,
                        "counts": "coupons"})")
            .find("`place` where coupons count") != std::string::npos);
}

TEST_CASE("more unpaid orders than are kept cannot be told, and pass or not as the rule says") {
  for (const bool closed : {false, true}) {
    RiskConfig config = config_of(
        cat(R"({"keys_max": 16, "rules": [{"name": "hoard", "on": "place", "key": "user", )",
            R"("counts": "unpaid", "window": "10m", "limit": 5, "fail": ")",
            closed ? "closed" : "open", R"("}]})"));
    RiskEngine engine(config);
    for (int i = 0; i < 100; ++i) engine.placed(from("a", cat("u-", i)), cat("o-", i), kStart);
    CHECK(engine.keys() == 16);
    CHECK(check(engine, from("a", "new"), kStart).has_value() == closed);
    CHECK_FALSE(check(engine, from("a", "new"), kStart + 10min));
  }
}

TEST_CASE("who waited as he was told passes a delaying rule, but no refusing one") {
  RiskEngine engine = engine_of(
      R"({"name": "slow", "key": "user", "window": "10s", "limit": 1, "action": "delay"},
         {"name": "hard", "key": "address", "window": "10s", "limit": 2})");
  RiskAttempt attempt = from("1.1.1.1", "u");
  CHECK_FALSE(check(engine, attempt, kStart));
  const auto objection = check(engine, attempt, kStart);
  REQUIRE(objection);
  CHECK(objection->rule->name == "slow");
  attempt.address = "1.1.1.2";
  attempt.waited = true;
  CHECK_FALSE(check(engine, attempt, kStart + 5s));
  attempt.address = "1.1.1.1";
  CHECK(check(engine, attempt, kStart + 5s)->rule->name == "hard");
}

TEST_CASE("a missing key passes an open rule and not a closed one") {
  RiskEngine open = engine_of(R"({"name": "r", "key": "device", "window": "10s", "limit": 1})");
  for (int i = 0; i < 3; ++i) CHECK_FALSE(check(open, from("1.1.1.1", "u"), kStart));
  RiskEngine closed =
      engine_of(R"({"name": "r", "key": "device", "window": "10s", "limit": 1, "fail": "closed"})");
  const auto objection = check(closed, from("1.1.1.1", "u"), kStart);
  REQUIRE(objection);
  CHECK(objection->unknown);
  CHECK_FALSE(check(closed, from("1.1.1.1", "u", "d"), kStart));
}

TEST_CASE("a rule that cannot work is refused, and says why") {
  CHECK(problems_of(R"({"name": "a", "key": "shoe", "window": "1s", "limit": 1})").find("key") !=
        std::string::npos);
  CHECK(problems_of(R"({"name": "a", "key": "user", "window": "1s", "limit": 0})").find("limit") !=
        std::string::npos);
  CHECK(problems_of(R"({"name": "a", "key": "user", "window": "1s", "limit": 100,
                        "counts": "devices"})")
            .find("at most 64") != std::string::npos);
  CHECK(problems_of(R"({"name": "a", "key": "user", "window": "1s", "limit": 1,
                        "counts": "users"})")
            .find("else than the key") != std::string::npos);
  CHECK(problems_of(cat(kPerUser, ",", kPerUser)).find("earlier rule") != std::string::npos);
}

TEST_CASE("what is under way counts as if it came to an order or a failure, until it has ended") {
  const std::string kind = GENERATE(R"("on": "place", "key": "user", "counts": "unpaid")",
                                    R"("on": "place", "key": "user", "counts": "coupons")",
                                    R"("on": "place", "key": "user", "counts": "failures")");
  INFO(kind);
  RiskEngine engine = engine_of(cat(R"({"name": "r", "window": "10m", "limit": 2, )", kind, "}"));
  RiskAttempt attempt = from("a", "u");
  attempt.coupon = true;
  CHECK_FALSE(engine.check(attempt, kStart));
  CHECK_FALSE(engine.check(attempt, kStart));
  CHECK(engine.check(attempt, kStart));  // both may yet count
  RiskAttempt other = attempt;
  other.user = "v";
  CHECK_FALSE(engine.check(other, kStart));
  engine.ended(attempt);  // came to nothing
  CHECK_FALSE(engine.check(attempt, kStart));
  engine.failed(attempt, kStart);
  engine.placed(attempt, "o-1", kStart);
  engine.ended(attempt);
  CHECK(engine.check(attempt, kStart));  // one counted, one under way
  engine.ended(attempt);
  CHECK_FALSE(engine.check(attempt, kStart));
}

TEST_CASE("an attempt that a later rule refuses is not under way for the earlier ones") {
  RiskEngine engine = engine_of(
      R"({"name": "hoard", "on": "place", "key": "address", "counts": "unpaid", "window": "10m",
          "limit": 1},
         {"name": "user", "key": "user", "window": "10s", "limit": 1})");
  CHECK_FALSE(check(engine, from("a", "u"), kStart));
  for (int i = 0; i < 5; ++i) CHECK(engine.check(from("a", "u"), kStart)->rule->name == "user");
  CHECK_FALSE(engine.check(from("a", "v"), kStart));
}
