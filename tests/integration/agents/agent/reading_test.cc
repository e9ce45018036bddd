// SPDX-License-Identifier: Apache-2.0
// Promise: who only reads holds up nobody, and who is refused a reading stands in the log.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <future>

#include "core/base/text.h"
#include "core/json/fields.h"
#include "tests/integration/agents/agent/test_agent.h"
#include "tests/support/loopback_listener.h"
#include "tests/support/raw_http.h"
#include "tests/support/skip.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

TEST_CASE("of two who want to know at once what is left over, one is told to try again") {
  const LoopbackListener silent;  // connects everybody and answers nobody
  std::string body = "services:\n";
  for (int i = 0; i < 12; ++i) {  // each is asked for some seconds
    body += cat("  - {name: keys-", i, ", command: [/bin/sleep, \"1000\"], redis: {host: 127.0.0.1",
                ", port: ", silent.port, "}}\n");
  }
  TestAgent agent(body);
  agent.start();
  std::atomic<int> answered = 0;
  const auto ask = [&] {
    HttpCall call{.url = cat("http://", agent.address(), ":", agent.port(), "/v1/fsck")};
    call.token = agent.token();
    call.timeout = std::chrono::seconds(120);
    const auto reply = HttpClient().send(call);
    // The first answer is the refusal; then the server ends, so that the other one is quick.
    if (++answered == 1) ::shutdown(silent.fd, SHUT_RDWR);
    return reply ? std::pair(reply->status, reply->body) : std::pair(0, reply.error().message);
  };
  auto one = std::async(std::launch::async, ask);
  auto two = std::async(std::launch::async, ask);
  std::vector<std::pair<int, std::string>> answers = {one.get(), two.get()};
  std::sort(answers.begin(), answers.end());
  CHECK(answers[0].first == 200);
  CHECK(answers[1].first == 503);
  CHECK(answers[1].second.find("another fsck is under way; try again") != std::string::npos);
  CHECK(agent.call("GET", "/v1/fsck").status == 200);
}

TEST_CASE("who may not read the proxies stands in the log when it tries") {
  if (::geteuid() != 0) skip_case("only root can be somebody else");
  constexpr std::uint16_t kPort = 28'474;  // of an address that is this agent's own
  TestAgent agent(cat("services:\n  - {name: shop, command: [/bin/sleep, \"1000\"]}\n",
                      "toxiproxy: {listen: \"{address}:", kPort,
                      "\", users: [], upstreams: [any]}\n"));
  agent.start();
  const std::string address = agent.address();
  const pid_t stranger = ::fork();
  if (stranger == 0) {
    if (::setresuid(65'534, 65'534, 65'534) != 0) ::_exit(1);
    const int status = raw_status(raw_http(
        kPort, cat("GET /proxies HTTP/1.1\r\nHost: ", address, "\r\nConnection: close\r\n\r\n"),
        address));
    ::_exit(status == 403 ? 0 : 2);
  }
  int ended = 0;
  REQUIRE(::waitpid(stranger, &ended, 0) == stranger);
  CHECK(ended == 0);
  std::vector<json> lines;
  const json answer = agent.call("GET", "/v1/audit").json;
  for (const json& line : answer.at("lines")) {
    lines.push_back(parse_json(line.get<std::string>()).value());
  }
  REQUIRE(lines.size() == 1);
  INFO(lines[0].dump());
  CHECK(lines[0].at("what") == "GET /proxies");
  CHECK(lines[0].contains("refused"));
  CHECK(lines[0].at("who") == "a client of Toxiproxy's API, account 65534");
}

}  // namespace
}  // namespace panshi::agent
