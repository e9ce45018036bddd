// SPDX-License-Identifier: Apache-2.0
// The promise under test: a customer behaves like a careful client, and his records tell exactly
// what he was told: acknowledged, refused, or nobody knows.
#include "platform/customers/purchase.h"

#include <catch2/catch.hpp>

namespace panshi::shop {
namespace {

using namespace std::chrono_literals;

constexpr const char* kPlaced = R"({"order":"o-1","state":"placed","amount_cents":990})";
constexpr const char* kPaid = R"({"order":"o-1","state":"paid"})";
constexpr const char* kWaiting = R"({"order":"o-1","state":"paid","card_key":null})";
constexpr const char* kDelivered = R"({"order":"o-1","state":"delivered","card_key":"K-1"})";

// One purchase and a clock; keeps every record.
struct Walk {
  SimClock clock;
  Purchase purchase{{"c-1", "c-1-order", "c-1-pay", "u-1", "vpn", 9}, {}, clock.wall()};
  Move move = take(purchase.begin(now()));
  std::vector<Record> records;

  Moment now() const { return {clock.mono(), clock.wall()}; }
  Move take(Move made) {
    records.insert(records.end(), made.records.begin(), made.records.end());
    return made;
  }
  Walk& answer(int status, std::string body = {}, Duration after = 1ms, std::string cookies = {}) {
    REQUIRE(move.kind == Move::Kind::kSend);
    clock.advance(after);
    move = take(purchase.answered({true, status, std::move(body), {}, std::move(cookies)}, now()));
    return *this;
  }
  Walk& unreachable() {
    REQUIRE(move.kind == Move::Kind::kSend);
    move = take(purchase.answered({false, 0, {}}, now()));
    return *this;
  }
  Walk& wait() {
    REQUIRE(move.kind == Move::Kind::kWait);
    REQUIRE(move.wake > clock.mono());
    clock.advance(move.wake - clock.mono());
    move = take(purchase.woken(now()));
    return *this;
  }
  Walk& order() { return answer(200, "{}").answer(201, kPlaced); }
  Walk& pay() { return order().answer(200, kPaid).wait(); }  // and comes for the key
  bool ended(Ending ending) const { return move.kind == Move::Kind::kEnd && move.ending == ending; }
  std::string story() const {  // "order attempt, order ok, …"
    std::string out;
    for (const Record& record : records) {
      if (!out.empty()) out += ", ";
      out += std::string(step_name(record.step)) + " " + std::string(outcome_name(record.outcome));
    }
    return out;
  }
};

TEST_CASE("a purchase in a healthy shop") {
  Walk walk;
  CHECK(walk.move.request.path == "/api/products");
  walk.answer(200, "{}");
  CHECK(walk.move.request.method == "POST");
  CHECK(walk.move.request.path == "/api/orders");
  CHECK(walk.move.request.key == "c-1-order");
  CHECK(walk.move.request.body == R"({"product":"vpn","quantity":1,"user":"u-1"})");
  walk.answer(201, kPlaced);
  CHECK(walk.move.request.path == "/api/orders/o-1/pay");
  CHECK(walk.move.request.key == "c-1-pay");
  CHECK(walk.move.request.body == R"({"amount_cents":990,"user":"u-1"})");
  walk.answer(200, kPaid);
  CHECK(walk.purchase.acknowledged_at() == walk.clock.mono());
  CHECK(walk.move.kind == Move::Kind::kWait);  // it cannot be there yet
  walk.wait();
  CHECK(walk.move.request.path == "/api/orders/o-1?user=u-1");
  walk.answer(200, kWaiting).wait().answer(200, kDelivered);
  CHECK(walk.ended(Ending::kDelivered));
  CHECK(walk.story() == "browse ok, order attempt, order ok, pay attempt, pay ok, fetch ok");
  CHECK(walk.records.back().card_key == "K-1");
  CHECK(walk.records.back().order == "o-1");
}

TEST_CASE("a customer is who the shop's session says, from the first look on") {
  Walk walk;
  CHECK(walk.move.request.cookie.empty());
  CHECK(walk.move.request.keeps_cookies);
  walk.answer(200, "{}", 1ms, "lang=zh; user=u-42.abc");
  CHECK(walk.move.request.cookie == "user=u-42.abc");
  CHECK(walk.move.request.body == R"({"product":"vpn","quantity":1,"user":"u-42"})");
  CHECK(walk.records.back().user == "u-42");
  walk.answer(201, kPlaced);
  CHECK(walk.move.request.cookie == "user=u-42.abc");
  CHECK(walk.move.request.body == R"({"amount_cents":990,"user":"u-42"})");
  walk.answer(200, kPaid).wait();
  CHECK(walk.move.request.path == "/api/orders/o-1?user=u-42");
  CHECK(walk.move.request.cookie == "user=u-42.abc");
}

TEST_CASE("an attempt is recorded before its answer can be known") {
  Walk walk;
  walk.answer(200, "{}");
  REQUIRE(walk.move.kind == Move::Kind::kSend);
  CHECK(walk.records.back().outcome == Outcome::kAttempt);
  CHECK(walk.records.back().key == walk.move.request.key);
}

TEST_CASE("a repeat uses the same key after a growing pause") {
  Walk walk;
  walk.answer(200, "{}");
  const Request first = walk.move.request;
  Duration last_pause{};
  for (int repeat = 2; repeat <= 5; ++repeat) {
    walk.answer(503);
    const Duration pause = walk.move.wake - walk.clock.mono();
    CHECK(pause > last_pause);
    last_pause = pause;
    walk.wait();
    CHECK(walk.move.request.key == first.key);
    CHECK(walk.move.request.body == first.body);
    CHECK(walk.records.back().attempt == repeat);
  }
  walk.answer(503);
  CHECK(walk.ended(Ending::kFailed));
  CHECK_FALSE(walk.purchase.is_indeterminate());  // 503 for an order: nothing kept
}

TEST_CASE("an order that was never answered is indeterminate, not refused") {
  Walk walk;
  const int status = GENERATE(0, 500, 502, 504);
  walk.answer(200, "{}").answer(status);
  CHECK(walk.records.back().outcome == Outcome::kIndeterminate);
  SECTION("also when a repeat is refused") {
    walk.wait().answer(409, R"({"code":"sold_out"})");
    CHECK(walk.ended(Ending::kFailed));
    CHECK(walk.purchase.is_indeterminate());
  }
  SECTION("until a repeat is acknowledged") {
    walk.wait().answer(201, kPlaced);
    CHECK_FALSE(walk.purchase.is_indeterminate());
    CHECK(walk.purchase.step() == Step::kPay);
  }
}

TEST_CASE("a payment answered 503 may have been taken") {
  Walk walk;
  walk.order().answer(503);
  CHECK(walk.records.back().outcome == Outcome::kIndeterminate);
  for (int repeat = 2; repeat <= 5; ++repeat) walk.wait().answer(0);
  CHECK(walk.ended(Ending::kFailed));
  CHECK(walk.purchase.is_indeterminate());
}

TEST_CASE("a shop that could not be reached did nothing") {
  Walk walk;
  walk.order().unreachable();
  CHECK(walk.records.back().outcome == Outcome::kRefused);
  CHECK_FALSE(walk.purchase.is_indeterminate());
  CHECK(walk.move.kind == Move::Kind::kWait);
}

TEST_CASE("an acknowledgement that cannot be read is none") {
  const char* body =
      GENERATE("", "{", "[]", R"({"order":"o-1"})", R"({"amount_cents":990})",
               R"({"order":"../x","amount_cents":990})", R"({"order":"o-1","amount_cents":-5})");
  Walk walk;
  walk.answer(200, "{}").answer(201, body);
  CHECK(walk.records.back().outcome == Outcome::kIndeterminate);
  CHECK(walk.move.kind == Move::Kind::kWait);
}

TEST_CASE("sold out and a declined card are answers, not failures") {
  Walk sold_out;
  sold_out.answer(200, "{}").answer(409, R"({"code":"sold_out","error":"…"})");
  CHECK(sold_out.ended(Ending::kTurnedAway));
  Walk declined;
  declined.order().answer(402);
  CHECK(declined.ended(Ending::kTurnedAway));
}

TEST_CASE("who is told that his coupon is worth nothing now buys without it, once") {
  Manners manners;
  manners.coupon = "WELCOME";
  manners.coupon_percent = 100;
  const SimClock clock;
  const Moment now{clock.mono(), clock.wall()};
  Purchase purchase({"c-1", "c-1-order", "c-1-pay", "u-1", "vpn", 9}, manners, now.wall);
  (void)purchase.begin(now);
  Move move = purchase.answered({true, 200, "{}"}, now);
  CHECK(move.request.body.find("\"coupon\":\"WELCOME\"") != std::string::npos);
  SECTION("refused") {
    const int status = GENERATE(404, 409, 503);
    const char* code =
        status == 503 ? R"({"code":"coupons_unavailable"})" : R"({"code":"coupon_used"})";
    (void)purchase.answered({true, status, code}, now);
    move = purchase.woken(now);
    CHECK(move.request.body.find("coupon") == std::string::npos);
    CHECK(purchase.answered({true, 201, kPlaced}, now).request.step == Step::kPay);
  }
  SECTION("an order with it may be there: it is asked for again as it was") {
    (void)purchase.answered({true, 504, ""}, now);
    move = purchase.woken(now);
    (void)purchase.answered({true, 503, R"({"code":"coupons_unavailable"})"}, now);
    move = purchase.woken(now);
    CHECK(move.request.body.find("\"coupon\":\"WELCOME\"") != std::string::npos);
  }
}

TEST_CASE("some customers leave once the order is placed") {
  Manners manners;
  manners.leave_percent = 100;
  const SimClock clock;
  const Moment now{clock.mono(), clock.wall()};
  Purchase purchase({"c-1", "c-1-order", "c-1-pay", "u-1", "vpn", 9}, manners, now.wall);
  (void)purchase.begin(now);
  (void)purchase.answered({true, 200, "{}"}, now);
  const Move move = purchase.answered({true, 201, kPlaced}, now);
  CHECK(move.kind == Move::Kind::kEnd);
  CHECK(move.ending == Ending::kLeft);
  CHECK(move.records.back().outcome == Outcome::kOk);
}

TEST_CASE("who has paid, or may have, shows the marker he was given until he has his key") {
  for (const int paid : {200, 504}) {
    Walk walk;
    walk.order();
    CHECK(walk.move.request.paid_marker.empty());
    walk.move = walk.take(walk.purchase.answered({true, paid, kPaid, "o-1.99.mac"}, walk.now()));
    walk.wait();
    CHECK(walk.move.request.step == (paid == 504 ? Step::kPay : Step::kFetch));
    CHECK(walk.move.request.paid_marker == "o-1.99.mac");
  }
}

TEST_CASE("a refusal that a repeat cannot change ends the purchase") {
  Walk walk;
  walk.order().answer(404);
  CHECK(walk.ended(Ending::kFailed));
  CHECK(walk.records.back().outcome == Outcome::kRefused);
}

TEST_CASE("patience counts from the acknowledgement, whatever the shop answers meanwhile") {
  Walk walk;
  walk.order().answer(200, kPaid);
  const MonoTime paid = walk.clock.mono();
  walk.wait();
  int polls = 0;
  while (walk.move.kind != Move::Kind::kEnd) {
    const int status = ++polls % 3 == 0 ? 504 : 200;
    walk.answer(status, kWaiting);
    if (walk.move.kind == Move::Kind::kWait) walk.wait();
    REQUIRE(polls < 1'000);
  }
  CHECK(walk.ended(Ending::kLate));
  CHECK(walk.clock.mono() >= paid + 5s);
  CHECK(walk.clock.mono() < paid + 6s);
  CHECK(walk.records.back().outcome == Outcome::kLate);
  CHECK_FALSE(walk.purchase.is_indeterminate());
  CHECK(walk.records.size() == 6);  // polls that only say "not yet" leave no record
}

}  // namespace
}  // namespace panshi::shop
