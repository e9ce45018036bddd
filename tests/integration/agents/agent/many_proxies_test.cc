// SPDX-License-Identifier: Apache-2.0
// Promise: an agent holds as many proxies of Toxiproxy's clients as it says, refuses the next one
// in words, and is at everybody's service meanwhile.
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <future>

#include "core/base/text.h"
#include "core/io/http_client.h"
#include "core/json/fields.h"
#include "tests/integration/agents/agent/test_agent.h"
#include "tests/support/loopback_listener.h"
#include "tests/support/raw_http.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

TEST_CASE("two thousand proxies are made, work and go, and the next one is refused") {
  constexpr std::uint16_t kPort = 28'475;  // of an address that is this agent's own
  constexpr int kMany = 2'000;
  TestAgent agent(cat("services:\n  - {name: shop, command: [/bin/sleep, \"1000\"]}\n",
                      "toxiproxy: {listen: \"{address}:", kPort, "\", upstreams: [any]}\n"));
  agent.start();
  HttpClient client;
  const auto call = [&](const char* method, const std::string& path, const json& body = nullptr) {
    HttpCall made{.method = method,
                  .url = cat("http://", agent.address(), ":", kPort, path),
                  .body = body.is_null() ? "" : dump_json(body)};
    made.timeout = std::chrono::seconds(10);
    made.body_max = 4 << 20;
    const auto reply = client.send(made);
    REQUIRE(reply);
    return *reply;
  };
  const LoopbackListener upstream;
  std::string listen;
  for (int i = 0; i < kMany; ++i) {
    const auto made = call("POST", "/proxies",
                           {{"name", cat("p-", i)},
                            {"listen", cat(agent.address(), ":0")},
                            {"upstream", cat("127.0.0.1:", upstream.port)}});
    INFO(made.body);
    REQUIRE(made.status == 201);
    listen = parse_json(made.body).value().at("listen").get<std::string>();
  }
  const auto beyond = call("POST", "/proxies",
                           {{"name", "one-more"},
                            {"listen", cat(agent.address(), ":0")},
                            {"upstream", cat("127.0.0.1:", upstream.port)}});
  CHECK(beyond.status == 500);
  CHECK(beyond.body.find("there are 2000 proxies, which is the limit") != std::string::npos);
  CHECK(parse_json(call("GET", "/proxies").body).value().size() == kMany);
  CHECK(agent.call("GET", "/v1/status").status == 200);
  CHECK(agent.call("GET", "/v1/fsck").status == 200);

  // The last one leads where it should.
  const auto port = parse_integer(listen.substr(listen.rfind(':') + 1)).value();
  auto asked = std::async(std::launch::async, [&] {
    return raw_http(static_cast<std::uint16_t>(port), "ping", agent.address());
  });
  const int peer = upstream.accept();
  char heard[4];
  CHECK(::recv(peer, heard, sizeof heard, MSG_WAITALL) == sizeof heard);
  CHECK(::send(peer, "pong", 4, MSG_NOSIGNAL) == 4);
  ::close(peer);
  CHECK(asked.get() == "pong");

  for (int i = 0; i < kMany; ++i) {
    REQUIRE(call("DELETE", cat("/proxies/p-", i)).status == 204);
  }
  CHECK(call("GET", "/proxies").body == "{}");
}

}  // namespace
}  // namespace panshi::agent
