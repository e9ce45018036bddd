// SPDX-License-Identifier: Apache-2.0
// Promise: when there are not enough places the gateway serves who has paid before who pays before
// who orders before who browses; a burst of fraud takes no place; what is malformed changes
// nothing.
#include "tests/integration/platform/edge.h"

#include <catch2/catch.hpp>
#include <future>
#include <vector>

#include "core/base/text.h"
#include "tests/support/eventually.h"
#include "tests/support/raw_http.h"
#include "tests/support/secret_file.h"
#include "tests/support/shop_session.h"
#include "tests/support/temporary_folder.h"

using namespace panshi;

namespace {

// Ten places: five for browsing at most, six for orders, nine for payments; all 15 threads for who
// has paid.
const char* const kTenPlaces = "threads: 16\nlimiter: {min: 10, max: 10}\nupstream_max: 16\n";

// Requests that stand in the upstreams until this is let go.
class Jam {
 public:
  explicit Jam(Edge& edge) : edge_(edge) {
    const auto wait = [opened = opened_](const HttpRequest&) {
      opened.wait();
      return json_response({{"products", nlohmann::json::array()}});
    };
    edge.orders_answer(wait);
    edge.payments_answer(wait);
  }
  ~Jam() { open_.set_value(); }

  void browse(int times) {
    for (int i = 0; i < times; ++i) {
      stand([this] { return edge_.send("GET /api/orders?user=u1 HTTP/1.1", "", 0); });
    }
  }
  void place(const std::string& key) {
    stand([this, key] { return edge_.place(key); });
  }
  void pay(const std::string& order) {
    stand([this, order] { return edge_.pay(order); });
  }
  void look(const std::string& order) {
    stand([this, order] { return edge_.look(order); });
  }

 private:
  void stand(std::function<std::string()> request) {
    const int before = edge_.calls();
    inside_.push_back(std::async(std::launch::async, std::move(request)));
    REQUIRE(eventually([&] { return edge_.calls() == before + 1; }));
  }

  Edge& edge_;
  std::promise<void> open_;
  std::shared_future<void> opened_ = open_.get_future().share();
  std::vector<std::future<std::string>> inside_;
};

bool is_shed(const std::string& answer) {
  return raw_status(answer) == 503 && answer.find("\"shed\"") != std::string::npos &&
         header_in(answer, "Retry-After") == "1";
}

}  // namespace

TEST_CASE("a surge leaves places for those above: orders, payments, and who has paid") {
  Edge edge(kTenPlaces);
  CHECK(raw_status(edge.pay("o-1")) == 200);
  Jam jam(edge);
  jam.browse(5);
  CHECK(is_shed(edge.send("GET /api/orders?user=u1 HTTP/1.1")));
  CHECK(is_shed(edge.look("o-2")));  // nobody knows that one as paid
  jam.place("k1");
  CHECK(is_shed(edge.place("k2")));
  for (const char* order : {"o-3", "o-4", "o-5"}) jam.pay(order);
  CHECK(is_shed(edge.pay("o-6")));
  jam.pay("o-1");  // a repeat of who has paid
  jam.look("o-1");
  const auto status = edge.status();
  CHECK(status.at("shed_browse") == 2);
  CHECK(status.at("shed_place") == 1);
  CHECK(status.at("shed_pay") == 1);
  CHECK(status.at("shed_paid") == 0);
  CHECK(status.at("in_flight") == 11);  // more than the limit
}

TEST_CASE("the other edge knows who has paid by the marker, and by no forged one") {
  const TemporaryFolder folder;
  const std::string key = cat("marker_key: ", secret_named(folder.path(), kShopKey, "key"), "\n");
  Edge edge(cat(kTenPlaces, key));
  const std::string marker = header_in(edge.pay("o-1"), "X-Paid-Marker");
  REQUIRE_FALSE(marker.empty());
  const auto other = edge.start_gateway(cat(kTenPlaces, key));
  std::vector<std::future<std::string>> inside;  // outlives the jam: they wait for its end
  const auto start = [&](const std::string& request) {
    inside.push_back(
        std::async(std::launch::async, [&, request] { return edge.send(request, "", other); }));
  };
  const std::string look = "GET /api/orders/o-1?user=u HTTP/1.1";
  {
    Jam jam(edge);  // of the other one too: the upstream is the same
    for (int i = 0; i < 5; ++i) start("GET /api/orders?user=u1 HTTP/1.1");
    REQUIRE(eventually([&] { return edge.status(other).at("in_flight") == 5; }));
    CHECK(is_shed(edge.look("o-1", "", other)));
    CHECK(is_shed(edge.look("o-2", cat("\nX-Paid-Marker: ", marker), other)));
    CHECK(is_shed(edge.look("o-1", cat("\nX-Paid-Marker: ", marker, "0"), other)));
    start(cat(look, "\nX-Paid-Marker: ", marker));
    start(cat(look, "\nCookie: a=b; paid=", marker));
    CHECK(eventually([&] { return edge.status(other).at("in_flight") == 7; }));
  }
  CHECK(edge.status(other).at("admitted_paid") == 2);
}

TEST_CASE("an unknown outcome of a payment lets the customer ask as one who has paid") {
  Edge edge(cat(kTenPlaces, "deadline: 200ms\n"));
  std::promise<void> open;
  edge.payments_answer([opened = open.get_future().share()](const HttpRequest&) {
    opened.wait();
    return json_response({});
  });
  const std::string answer = edge.pay("o-1");
  CHECK(raw_status(answer) == 504);
  CHECK_FALSE(header_in(answer, "X-Paid-Marker").empty());
  open.set_value();
  CHECK(raw_status(edge.look("o-1")) == 200);
  CHECK(edge.status().at("admitted_paid") == 1);
}

TEST_CASE("nobody lives off one paid order: beyond its rate it goes with the others") {
  Edge edge;
  CHECK(raw_status(edge.pay("o-1")) == 200);
  for (int i = 0; i < 100; ++i) CHECK(raw_status(edge.look("o-1")) == 200);
  CHECK(edge.status().at("admitted_browse") >= 1);
}

TEST_CASE("a burst of fraud is refused before it takes a place, and honest customers are served") {
  Edge edge(cat(kTenPlaces, "risk:\n  rules:\n",
                "    - {name: burst, key: user, window: 1h, limit: 2}\n"));
  for (int i = 0; i < 2; ++i) CHECK(raw_status(edge.place(cat("k", i), "bad")) == 200);
  const int before = edge.calls();
  for (int i = 0; i < 50; ++i) {
    const std::string answer = edge.place(cat("bad-", i), "bad");
    CHECK(raw_status(answer) == 429);
    CHECK(answer.find("\"risk\"") != std::string::npos);
    CHECK_FALSE(header_in(answer, "Retry-After").empty());
  }
  CHECK(edge.calls() == before);
  CHECK(edge.status().at("risk_refused") == 50);
  CHECK(edge.status().at("admitted_place") == 2);
  CHECK(raw_status(edge.place("k", "honest")) == 200);
}

TEST_CASE("X-Forwarded-For counts only from a configured peer, and only its last entry") {
  const char* const rules = "risk: {rules: [{name: burst, key: address, window: 1h, limit: 1}]}\n";
  Edge direct(rules);
  CHECK(raw_status(direct.place("k1", "u", "\nX-Forwarded-For: 1.1.1.1")) == 200);
  CHECK(raw_status(direct.place("k2", "u", "\nX-Forwarded-For: 2.2.2.2")) == 429);
  Edge behind(cat(rules, "trusted_peers: [\"127.0.0.1\"]\n"));
  CHECK(raw_status(behind.place("k1", "u", "\nX-Forwarded-For: 9.9.9.9, 1.1.1.1")) == 200);
  CHECK(raw_status(behind.place("k2", "u", "\nX-Forwarded-For: 8.8.8.8, 1.1.1.1")) == 429);
  CHECK(raw_status(behind.place("k3", "u", "\nX-Forwarded-For: 1.1.1.1, 2.2.2.2")) == 200);
}

TEST_CASE("behind a proxy each address counts for itself, whatever a customer writes") {
  Edge edge(cat("risk: {rules: [{name: burst, key: address, window: 1h, limit: 1}]}\nproxies: [\"",
                Edge::kProxy, "\"]\n"));
  const auto place = [&](const std::string& key, const std::string& customer,
                         const std::string& headers = "") {
    return raw_status(edge.place_through(customer, key, headers));
  };
  CHECK(place("k1", "203.0.113.1") == 200);
  CHECK(place("k2", "203.0.113.2") == 200);
  CHECK(place("k3", "203.0.113.1") == 429);
  // Nobody gets past by another address in a header, nor locks another one out.
  CHECK(place("k4", "203.0.113.1", "\r\nX-Forwarded-For: 203.0.113.9") == 429);
  CHECK(place("k5", "203.0.113.9") == 200);
  // A household has an IPv6 /64 whole.
  CHECK(place("k6", "2001:db8:5:6::1") == 200);
  CHECK(place("k7", "2001:db8:5:6:7::9") == 429);
  CHECK(place("k8", "2001:db8:5:7::1") == 200);
}

TEST_CASE("who holds too much unpaid gets no more of it until something is paid") {
  Edge edge(
      "risk: {rules: [{name: hoard, on: place, key: user, counts: unpaid, window: 1h, limit: "
      "2}]}\n");
  std::atomic<int> orders = 0;
  edge.orders_answer([&](const HttpRequest&) {
    return json_response({{"order", cat("o-", ++orders)}, {"state", "placed"}}, 201);
  });
  CHECK(raw_status(edge.place("k1", "greedy")) == 201);
  CHECK(raw_status(edge.place("k2", "greedy")) == 201);
  CHECK(raw_status(edge.place("k3", "greedy")) == 429);
  CHECK(raw_status(edge.place("k1", "honest")) == 201);
  CHECK(raw_status(edge.pay("o-1", "greedy")) == 200);
  CHECK(raw_status(edge.place("k4", "greedy")) == 201);
  CHECK(raw_status(edge.place("k5", "greedy")) == 429);
}

TEST_CASE("declined cards count against the user, and a delay ends with its pass") {
  Edge edge(
      "risk: {rules: [{name: cards, on: pay, key: user, counts: failures, window: 1h, "
      "limit: 2, action: delay, delay: 0ms}]}\n");
  edge.payments_answer([](const HttpRequest&) {
    return json_response({{"code", "declined"}}, 402);
  });
  CHECK(raw_status(edge.pay("o-1")) == 402);
  CHECK(raw_status(edge.pay("o-1")) == 402);
  const std::string delayed = edge.pay("o-1");
  CHECK(raw_status(delayed) == 429);
  CHECK(delayed.find("\"risk_delay\"") != std::string::npos);
  const std::string pass = header_in(delayed, "X-Risk-Pass");
  REQUIRE_FALSE(pass.empty());
  CHECK(raw_status(edge.pay("o-2", "u", cat("\nX-Risk-Pass: ", pass))) == 429);  // another key
  CHECK(eventually(
      [&] { return raw_status(edge.pay("o-1", "u", cat("\nX-Risk-Pass: ", pass))) == 402; }));
}

TEST_CASE("shedding degrades the gateway, and every answer says so until it is calm again") {
  Edge edge(cat(kTenPlaces, "degradation: {raise_after: 100ms, lower_after: 200ms}\n"));
  CHECK(header_in(edge.look("o-1"), "X-Degradation-Level") == "normal");
  {
    Jam jam(edge);
    jam.browse(5);
    CHECK(eventually([&] {
      return header_in(edge.send("GET /api/orders?user=u1 HTTP/1.1"), "X-Degradation-Level") ==
             "core_only";
    }));
    CHECK(edge.status().at("degradation_level") == 2);
  }
  CHECK(eventually([&] { return edge.status().at("degradation") == "normal"; }));
}

TEST_CASE("a caller whose deadline has passed costs nobody any work") {
  Edge edge;
  const std::string answer = edge.place("k", "u", "\nX-Deadline-Ms: 0");
  CHECK(raw_status(answer) == 503);
  CHECK(answer.find("\"no_time\"") != std::string::npos);
  CHECK(edge.calls() == 0);
  CHECK(edge.status().at("refused_late") == 1);
}

TEST_CASE("malformed and oversized requests get a 4xx and reach nobody") {
  Edge edge;
  const std::string order = "POST /api/orders HTTP/1.1\nIdempotency-Key: k";
  const std::string good = R"({"user":"u","product":"p","quantity":1})";
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("[]"), std::string("null"),
        std::string(R"({"user":"u"})"), std::string(R"({"user":7,"product":"p"})"),
        std::string(R"({"user":"u","product":"p","quantity":-1})"),
        std::string(R"({"user":"u","product":"p","quantity":1.5})"),
        std::string(R"({"user":"u","product":"p","admin":true})"),
        std::string(R"({"user":"' OR 1=1 --","product":"p"})"),
        cat(R"({"user":")", std::string(1'000, 'u'), R"(","product":"p"})"),
        std::string(5'000, '[')}) {
    INFO(body.substr(0, 100));
    const int status = raw_status(edge.send(order, body));
    CHECK((status >= 400 && status < 500));
  }
  CHECK(raw_status(edge.send(order, std::string(70'000, ' '))) == 413);
  CHECK(raw_status(edge.send("POST /api/orders HTTP/1.1", good)) == 400);  // no key
  CHECK(raw_status(edge.send("POST /api/orders HTTP/1.1\nIdempotency-Key: a b", good)) == 400);
  CHECK(raw_status(edge.send(cat(order, std::string(200, 'k')), good)) == 400);
  CHECK(raw_status(edge.send(cat(order, "\nX-Device: a/b"), good)) == 400);
  CHECK(raw_status(edge.send("POST /api/orders/..%2f/pay HTTP/1.1\nIdempotency-Key: k", "{}")) ==
        404);
  CHECK(raw_status(edge.send("DELETE /api/orders/o-1 HTTP/1.1\nContent-Length: 0")) == 405);
  CHECK(raw_status(edge.pay("o-1", "two words")) == 403);
  CHECK(edge.calls() == 0);
}

TEST_CASE("the goods come from the edge's cache: orders is asked once, and need not be there") {
  Edge edge(kTenPlaces);
  edge.orders_answer([](const HttpRequest&) {
    return json_response(
        {{"products", {{{"product", "p"}, {"title", "P"}, {"price_cents", 5}, {"free", 7}}}}});
  });
  const std::string first = edge.send("GET /api/products HTTP/1.1");
  REQUIRE(raw_status(first) == 200);
  edge.orders_answer([](const HttpRequest&) { return json_response({}, 503); });
  const std::string second = edge.send("GET /api/products HTTP/1.1");
  CHECK(raw_status(second) == 200);
  CHECK(second.find(R"("free":7)") != std::string::npos);
  CHECK_FALSE(header_in(second, "X-Degradation-Level").empty());
}
