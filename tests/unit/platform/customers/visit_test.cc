// SPDX-License-Identifier: Apache-2.0
// The promise under test: visits do what people do who do not buy, and leave when nobody answers;
// a dishonest order is sent once and its records tell what became of it.
#include "platform/customers/visit.h"

#include <catch2/catch.hpp>

#include "platform/customers/fraud_order.h"

namespace panshi::shop {
namespace {

using namespace std::chrono_literals;

Errand errand(Kind kind) {
  return {"c-1", "c-1-order", "c-1-pay", "u-7", "vpn", 9, kind, "d-7", "10.0.0.7"};
}
Moment at(Duration since) { return {MonoTime(1h + since), WallTime(1h + since)}; }

// Answers everything with `status`; what was asked for, in order.
std::vector<Request> walk(CustomerVisit& visit, int status, Ending& ending) {
  std::vector<Request> requests;
  Duration since = 0ms;
  for (Move move = visit.begin(at(since)); requests.size() < 20;) {
    if (move.kind == Move::Kind::kSend) {
      requests.push_back(move.request);
      const std::string page = "<input type=\"hidden\" name=\"token\" value=\"c0ffee\">";
      move = visit.answered({true, status, page, {}, "user=u-1.abc; lang=zh"}, at(since += 5ms));
      CHECK(move.records.size() == 1);
    } else if (move.kind == Move::Kind::kWait) {
      since = move.wake - MonoTime(1h);
      move = visit.woken(at(since));
    } else {
      ending = move.ending;
      break;
    }
  }
  return requests;
}

TEST_CASE("who browses sees the list and then a product, at his device and address") {
  CustomerVisit visit(errand(Kind::kBrowse), WallTime(1h));
  Ending ending = Ending::kFailed;
  const auto requests = walk(visit, 200, ending);
  REQUIRE(requests.size() >= 2);
  CHECK(requests[0].path == "/");
  CHECK(requests[1].path == "/products/vpn");
  CHECK(requests[1].device == "d-7");
  CHECK(requests[1].address == "10.0.0.7");
  CHECK(ending == Ending::kDelivered);
}

TEST_CASE("who looks at his orders asks for his own") {
  CustomerVisit visit(errand(Kind::kHistory), WallTime(1h));
  Ending ending = Ending::kFailed;
  const auto requests = walk(visit, 200, ending);
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].path == "/api/products");
  CHECK(requests[0].keeps_cookies);
  CHECK(requests[1].path == "/api/orders?user=u-1");  // as whom the shop has signed
  CHECK(requests[1].cookie == "user=u-1.abc");
}

TEST_CASE("who has a session already looks at his orders at once") {
  Errand known = errand(Kind::kHistory);
  take_session("user=u-8.def", known);
  CustomerVisit visit(known, WallTime(1h));
  const Move move = visit.begin(at(0ms));
  CHECK(move.request.path == "/api/orders?user=u-8");
  CHECK(move.request.cookie == "user=u-8.def");
}

TEST_CASE("a question to the support takes the page's session and form, then looks again") {
  CustomerVisit visit(errand(Kind::kChat), WallTime(1h));
  Ending ending = Ending::kFailed;
  const auto requests = walk(visit, 303, ending);
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].method == "GET");
  CHECK(requests[0].cookie.empty());
  CHECK(requests[1].cookie == "user=u-1.abc");
  CHECK(requests[1].is_form);
  CHECK(requests[1].body.find("&token=c0ffee") != std::string::npos);
  CHECK(requests[2].method == "GET");
  CHECK(requests[2].cookie == requests[1].cookie);
  CHECK(ending == Ending::kDelivered);
}

TEST_CASE("who gets no answer leaves at once") {
  for (const int status : {503, 0, 404}) {
    CustomerVisit visit(errand(Kind::kBrowse), WallTime(1h));
    Ending ending = Ending::kDelivered;
    CHECK(walk(visit, status, ending).size() == 1);
    CHECK(ending == Ending::kFailed);
  }
}

TEST_CASE("a dishonest order leaves its attempt and its answer in the log, whatever it was told") {
  const struct {
    Answer answer;
    Outcome outcome;
    Ending ending;
  } cases[] = {
      {{true, 201, R"({"order":"o-1","amount_cents":5})"}, Outcome::kOk, Ending::kDelivered},
      {{true, 429, "{}"}, Outcome::kRefused, Ending::kFailed},
      {{true, 503, "{}"}, Outcome::kRefused, Ending::kFailed},
      {{false, 0, ""}, Outcome::kRefused, Ending::kFailed},
      {{true, 504, "{}"}, Outcome::kIndeterminate, Ending::kFailed},
      {{true, 201, R"({"order":null})"}, Outcome::kIndeterminate, Ending::kFailed},
  };
  for (const auto& [answer, outcome, ending] : cases) {
    INFO(answer.status << " " << answer.body);
    FraudOrder order(errand(Kind::kFraud), WallTime(1h));
    const Move look = order.begin(at(0ms));
    CHECK(look.records.empty());
    CHECK(look.request.path == "/api/products");
    CHECK(look.request.keeps_cookies);
    const Move sent = order.answered({true, 200, "{}", {}, "user=u-3.abc"}, at(0ms));
    CHECK(sent.request.cookie == "user=u-3.abc");
    REQUIRE(sent.records.size() == 1);
    CHECK(sent.records[0].outcome == Outcome::kAttempt);
    CHECK(sent.records[0].kind == "fraud");
    CHECK(sent.records[0].user == "u-3");
    CHECK(sent.records[0].key == sent.request.key);
    const Move end = order.answered(answer, at(3ms));
    CHECK(end.kind == Move::Kind::kEnd);
    CHECK(end.ending == ending);
    REQUIRE(end.records.size() == 1);
    CHECK(end.records[0].outcome == outcome);
  }
}

}  // namespace
}  // namespace panshi::shop
