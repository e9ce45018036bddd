// SPDX-License-Identifier: Apache-2.0
// Promise: an agent asks the upstreams of its links how they are, leads new connections away from
// one that dies and back when it returned, and does by its API what an operator says about them.
#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "core/io/http_server.h"
#include "core/json/fields.h"
#include "tests/integration/agents/agent/test_agent.h"

namespace panshi::agent {
namespace {

std::unique_ptr<HttpServer> server_named(const std::string& name, std::uint16_t port) {
  HttpServer::Options options;
  options.port = port;
  auto server = std::make_unique<HttpServer>(options);
  server->route_open("GET", "/name", [name](const HttpRequest&) {
    return json_response({{"name", name}});
  });
  REQUIRE(server->start());
  return server;
}

struct Node {
  std::unique_ptr<HttpServer> a = server_named("a", 0);
  std::unique_ptr<HttpServer> b = server_named("b", 0);
  std::uint16_t a_port = a->port();
  TestAgent agent{cat(R"(
links:
  - name: shop
    listen: "{address}:17871"
    upstreams: [{name: a, address: "127.0.0.1:)",
                      a->port(), R"("}, {name: b, address: "127.0.0.1:)", b->port(), R"("}]
    health: {kind: http, path: /name, every: 250ms, timeout: 250ms, rise: 1, fall: 4}
    failback: at_once
)")};
  HttpClient http;

  Node() { agent.start(); }
  nlohmann::json link() { return agent.call("GET", "/v1/links").json.at("links").at(0); }
  std::string asked_through_link() {
    HttpCall call;
    call.url = cat("http://", agent.address(), ":17871/name");
    call.headers = {{"Host", "localhost"}};  // the server behind knows nothing of the link
    const auto answer = http.send(call);
    const auto json = answer ? parse_json(answer->body) : Result<nlohmann::json>({});
    return json && json->contains("name") ? json->at("name").get<std::string>() : "";
  }
  int act(const std::string& id, const std::string& kind, const nlohmann::json& params) {
    return agent
        .call("PUT", "/v1/actions/" + id,
              {{"epoch", 1}, {"kind", kind}, {"params", params}, {"timeout_ms", 1'000}})
        .status;
  }
};

TEST_CASE("an upstream that dies is left, and has its connections back when it returned") {
  Node node;
  CHECK(eventually([&] { return node.link().at("upstreams")[0].at("health") == "up"; }));
  CHECK(node.asked_through_link() == "a");
  node.a.reset();
  CHECK(eventually([&] { return node.link().at("upstream") == "b"; }));
  CHECK(eventually([&] { return node.asked_through_link() == "b"; }));
  CHECK(node.link().at("upstreams")[0].at("health") == "down");
  node.a = server_named("a", node.a_port);
  CHECK(eventually([&] { return node.link().at("upstream") == "a"; }));
}

TEST_CASE("an operator drains, lets back and weighs upstreams by the API") {
  Node node;
  REQUIRE(node.act("drain-1", "drain", {{"link", "shop"}, {"upstream", "a"}, {"within", "0ms"}}) <
          300);
  CHECK(eventually([&] { return node.link().at("upstream") == "b"; }));
  CHECK(node.link().at("upstreams")[0].at("drained") == true);
  REQUIRE(node.act("undrain-1", "undrain", {{"link", "shop"}, {"upstream", "a"}}) < 300);
  CHECK(eventually([&] { return node.link().at("upstream") == "a"; }));
  REQUIRE(node.act("weights-1", "weights", {{"link", "shop"}, {"weights", {{"a", 0}, {"b", 2}}}}) <
          300);
  CHECK(eventually([&] { return node.link().at("upstream") == "by weight"; }));
  CHECK(eventually([&] { return node.asked_through_link() == "b"; }));
  CHECK(node.act("weights-2", "weights", {{"link", "none"}, {"weights", {{"a", 0}}}}) == 404);
}

}  // namespace
}  // namespace panshi::agent
