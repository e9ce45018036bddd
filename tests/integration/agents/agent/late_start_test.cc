// SPDX-License-Identifier: Apache-2.0
// Promise: whoever takes a port of an agent's while it is away keeps the agent from nothing but
// that port, and from that only while they hold it.
#include <catch2/catch.hpp>
#include <memory>

#include "core/base/text.h"
#include "tests/integration/agents/agent/test_agent.h"
#include "tests/support/loopback_listener.h"
#include "tests/support/raw_http.h"

namespace panshi::agent {
namespace {

TEST_CASE("an agent in the place of one that died works while its ports are taken, then has them") {
  auto link = std::make_unique<LoopbackListener>();
  const LoopbackListener upstream;
  TestAgent agent(cat("services:\n  - {name: shop, command: [/bin/sleep, \"1000\"]}\n",
                      "links:\n  - {name: cache, listen: \"127.0.0.1:", link->port,
                      "\", upstreams: [{name: one, address: \"127.0.0.1:", upstream.port,
                      "\"}]}\n"));
  auto api = std::make_unique<LoopbackListener>(agent.address().c_str(), agent.port());
  REQUIRE(api->port == agent.port());
  agent.use(agent.program().front(), {{"PANSHI_PREDECESSOR", "died"}});
  agent.call_by_socket();
  agent.start();
  CHECK(agent.becomes("shop", "ready"));
  CHECK(agent.call("GET", "/v1/links").json.at("links").at(0).at("down") == true);
  CHECK(agent.await_event("link.waiting", "").at("link") == "cache");
  CHECK(agent.call("POST", "/v1/revert-all", nlohmann::json::object()).status == 200);
  link.reset();
  CHECK(agent.await_event("link.listening", "").at("link") == "cache");
  CHECK(agent.call("GET", "/v1/links").json.at("links").at(0).at("down") == false);
  api.reset();
  CHECK(eventually([&] {
    return raw_status(raw_http(agent.port(),
                               cat("GET /v1/healthz HTTP/1.1\r\nHost: ", agent.address(),
                                   "\r\nConnection: close\r\n\r\n"),
                               agent.address())) == 200;
  }));
}

TEST_CASE("a person who starts an agent is told that a port is taken") {
  const LoopbackListener link;
  TestAgent agent(cat("services: []\nlinks:\n  - {name: cache, listen: \"127.0.0.1:", link.port,
                      "\", upstreams: [{name: one, address: \"127.0.0.1:1\"}]}\n"));
  const Ended ended = agent.run({"--config", "{config}"});
  CHECK(ended.code == 1);
  CHECK_THAT(ended.output, Catch::Contains("link cache") && Catch::Contains("in use"));
}

}  // namespace
}  // namespace panshi::agent
