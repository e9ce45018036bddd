// SPDX-License-Identifier: Apache-2.0
// The promise under test: on a link that carries HTTP, a fault touches chosen requests of real
// clients on connections that are open already, and the next request passes as if nothing had been.
#include "core/io/http_client.h"
#include "core/io/http_server.h"
#include "tests/integration/agents/links/link_fixture.h"

namespace panshi::agent {
namespace {

struct Shop {
  Shop() {
    server.route("GET", "/orders/{id}",
                 [](const HttpRequest& request) { return text(request.captures[0]); });
    server.route("POST", "/pay", [this](const HttpRequest& request) {
      ++paid;
      return text(request.body);
    });
    REQUIRE(server.start());
    const std::string upstream = cat(std::string(kHost), ":", server.port());
    LinkSpec spec = spec_to({{"a", upstream}});
    spec.http = true;
    REQUIRE(table->open(spec));
    port = table->port("database").value();
  }
  static HttpResponse text(const std::string& body) {
    return {.status = 200, .body = body, .content_type = "text/plain"};
  }
  HttpReply call(const std::string& method, const std::string& path, const std::string& body = "") {
    const auto reply = client.send({.method = method,
                                    .url = cat("http://", std::string(kHost), ":", port, path),
                                    .body = body,
                                    .keep_header = "X-Fault"});
    REQUIRE(reply);
    return *reply;
  }
  void put(const std::string& id, Toxic::Kind kind, HttpRule rule, double share = 1) {
    Toxic toxic{.kind = kind, .delay = 50ms, .toxicity = share};
    toxic.http = std::move(rule);
    REQUIRE(table->add_toxic("database", id, toxic));
  }

  int paid = 0;
  HttpServer server{{.address = kHost}};
  std::unique_ptr<LinkTable> table = make_table();
  std::uint16_t port = 0;
  HttpClient client;
};

TEST_CASE("rules come and go under one kept connection, and each touches its requests only") {
  Shop shop;
  CHECK(shop.call("GET", "/orders/1").body == "1");
  shop.put("f1", Toxic::Kind::kHttpStatus, {.method = "POST", .status = 503, .body = "busy"});
  const HttpReply refused = shop.call("POST", "/pay", "5 yuan");
  CHECK(refused.status == 503);
  CHECK(refused.body == "busy");
  CHECK(shop.paid == 0);
  CHECK(shop.call("GET", "/orders/2").body == "2");
  REQUIRE(shop.table->remove_toxic("database", "f1"));
  CHECK(shop.call("POST", "/pay", "5 yuan").body == "5 yuan");
  CHECK(shop.paid == 1);
  shop.put("f2", Toxic::Kind::kHttpHeader, {.header = "X-Fault", .value = "yes"});
  shop.put("f3", Toxic::Kind::kHttpBody, {.path = "/orders/*", .body = "{}"});
  const HttpReply changed = shop.call("GET", "/orders/3");
  CHECK(changed.header == "yes");
  CHECK(changed.body == "{}");
  CHECK_FALSE(changed.connected);  // all of it on the connection that was there before
  CHECK(shop.table->links().at(0).accepted == 1);
}

TEST_CASE("a request is late by the delay of its rule and a large body passes whole") {
  Shop shop;
  shop.put("f1", Toxic::Kind::kHttpDelay, {.path = "/orders/*"});
  CHECK(shop.call("GET", "/orders/1").took >= 50ms);
  const auto report = shop.table->toxic_report("database", "f1");
  REQUIRE(report);
  CHECK(report->touched == 1);
  CHECK(report->mean >= 50ms);
  const std::string large(900'000, 'x');
  CHECK((shop.call("POST", "/pay", large).body == large));
}

TEST_CASE("a share of the requests is touched") {
  Shop shop;
  shop.put("f1", Toxic::Kind::kHttpStatus, {.status = 500}, 0.5);
  int failed = 0;
  for (int i = 0; i < 100; ++i) failed += shop.call("GET", "/orders/1").status == 500 ? 1 : 0;
  CHECK((failed > 25 && failed < 75));
  CHECK(shop.table->toxic_report("database", "f1")->touched == failed);
}

TEST_CASE("a link of bytes refuses rules for requests") {
  auto table = make_table();
  open_link(*table, {{"a", "127.0.0.1:1"}});
  Toxic toxic{.kind = Toxic::Kind::kHttpStatus};
  toxic.http.emplace();
  CHECK(table->add_toxic("database", "f1", toxic).error().message ==
        "link `database` is not declared `protocol: http`");
}

}  // namespace
}  // namespace panshi::agent
