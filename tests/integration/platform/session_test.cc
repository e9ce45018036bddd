// SPDX-License-Identifier: Apache-2.0
// Promise: a user is whom the shop signed. Nobody orders, pays or looks as another, or as somebody
// made up.
#include <catch2/catch.hpp>
#include <mutex>

#include "core/base/text.h"
#include "core/json/fields.h"
#include "tests/integration/platform/edge.h"
#include "tests/support/raw_http.h"
#include "tests/support/shop_session.h"

namespace panshi {
namespace {

// Of one answer of many, the session in it: "user=U.SIGNATURE".
std::string session_in(const std::string& answer) {
  const std::string line = header_in(answer, "Set-Cookie");
  return line.substr(0, line.find(';'));
}

TEST_CASE("the API tells and takes orders of nobody but the user whom the shop signed") {
  Edge edge;
  edge.signs = false;
  std::mutex mutex;
  std::string told;  // who asks, as the upstream is told
  const auto listen = [&](const HttpRequest& request) {
    const auto query = request.query.find("user");
    const std::lock_guard lock(mutex);
    told = query == request.query.end() ? user_named_in(request.body) : query->second;
    return json_response({{"products", nlohmann::json::array()}});
  };
  edge.orders_answer(listen);
  edge.payments_answer(listen);
  const std::string session = session_in(edge.send("GET /api/products HTTP/1.1"));
  REQUIRE(session.starts_with("user=u-"));
  const std::string user = session.substr(5, session.find('.') - 5);
  const auto ask = [&](const std::string& line, const std::string& cookie,
                       const nlohmann::json& body) {
    const std::string key = line.starts_with("POST") ? "\nIdempotency-Key: k" : "";
    return edge.send(cat(line, " HTTP/1.1", key, cookie.empty() ? "" : "\nCookie: ", cookie),
                     body.is_null() ? "" : dump_json(body));
  };
  const std::string theirs = session_cookie("u-2");
  const std::string signature = theirs.substr(theirs.find('.'));
  const struct {
    const char* line;
    nlohmann::json body;
  } calls[] = {{"GET /api/orders", nullptr},
               {"GET /api/orders/o-1", nullptr},
               {"POST /api/orders", {{"product", "p"}}},
               {"POST /api/orders/o-1/pay", {{"amount_cents", 5}}}};
  for (const auto& [line, body] : calls) {
    INFO(line);
    const int before = edge.calls();
    for (const std::string& cookie : {std::string(), cat("user=", user), cat("user=", user, "."),
                                      cat("user=", user, signature), "user=" + signature}) {
      INFO(cookie);
      const std::string refused = ask(line, cookie, body);
      CHECK(raw_status(refused) == 401);
      CHECK_THAT(refused, Catch::Contains("\"no_session\"") && Catch::Contains("/api/products"));
    }
    // In another's name, whatever says so.
    nlohmann::json as_other = body;
    if (!body.is_null()) as_other["user"] = "u-2";
    const std::string other = body.is_null() ? cat(line, "?user=u-2") : std::string(line);
    CHECK(raw_status(ask(other, session, as_other)) == 403);
    CHECK(edge.calls() == before);
    // In one's own, said or not.
    CHECK(raw_status(ask(line, session, body)) == 200);
    {
      const std::lock_guard lock(mutex);
      CHECK(told == user);
    }
    nlohmann::json as_oneself = body;
    if (!body.is_null()) as_oneself["user"] = user;
    const std::string own = body.is_null() ? cat(line, "?user=", user) : std::string(line);
    CHECK(raw_status(ask(own, session, as_oneself)) == 200);
  }
}

TEST_CASE("who has a session is given no other one, who has a false one is given one") {
  Edge edge;
  edge.orders_answer([](const HttpRequest&) {
    return json_response({{"products", nlohmann::json::array()}});
  });
  CHECK(session_in(edge.send("GET /api/products HTTP/1.1")).empty());
  edge.signs = false;
  const std::string first = session_in(edge.send("GET /api/products HTTP/1.1"));
  const std::string second =
      session_in(edge.send("GET /api/products HTTP/1.1\nCookie: user=u-1.0"));
  CHECK(first.starts_with("user=u-"));
  CHECK(second.starts_with("user=u-"));
  CHECK(first != second);
}

}  // namespace
}  // namespace panshi
