// SPDX-License-Identifier: Apache-2.0
// Promise: a probe that hangs is bad at its timeout, again and again, and delays no other.
#include "agents/probes/prober.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>

#include "core/io/http_server.h"
#include "tests/integration/agents/probes/runs.h"

namespace panshi::agent {
namespace {

// Accepts into its backlog and never answers: what a frozen process looks like from outside.
class FrozenServer {
 public:
  FrozenServer() {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr generic{};
    std::memcpy(&generic, &at, sizeof at);
    socklen_t size = sizeof generic;
    REQUIRE(::bind(fd_, &generic, size) == 0);
    REQUIRE(::listen(fd_, 100) == 0);
    REQUIRE(::getsockname(fd_, &generic, &size) == 0);
    std::memcpy(&at, &generic, sizeof at);
    port = ntohs(at.sin_port);
  }
  ~FrozenServer() { ::close(fd_); }
  FrozenServer(const FrozenServer&) = delete;
  FrozenServer& operator=(const FrozenServer&) = delete;
  std::uint16_t port = 0;

 private:
  int fd_ = -1;
};

ProbePlan plan(const std::string& name, const std::string& kind, std::uint16_t port) {
  ProbePlan out;
  out.name = name;
  out.target.kind = kind;
  out.target.host = "127.0.0.1";
  out.target.port = port;
  out.target.path = "/healthz";
  out.target.user = "nobody";
  out.every = 50ms;
  out.timeout = 50ms;
  return out;
}

TEST_CASE("servers that hang are bad at their timeout, and the others are asked all the while") {
  FrozenServer frozen;
  HttpServer server({});
  server.route_open("GET", "/healthz", [](const HttpRequest&) {
    return json_response({{"queue", {{"depth", 7}}}, {"ok", true}});
  });
  REQUIRE(server.start());
  Runs runs;
  const auto prober = Prober::create(runs.report());
  REQUIRE(prober);
  auto good = plan("good", "http", server.port());
  good.target.pointers = {{"depth", "/queue/depth"}, {"ok", "/ok"}, {"absent", "/absent"}};
  // A slow machine may take its time over a good answer; what must not happen is a wait for others.
  good.timeout = 2s;
  for (const char* kind : {"http", "sql", "redis"}) {
    (*prober)->add(plan(std::string("hangs-") + kind, kind, frozen.port));
  }
  (*prober)->add(good);
  (*prober)->add(plan("accepts", "tcp", frozen.port));

  for (const char* kind : {"http", "sql", "redis"}) {
    INFO(kind);
    for (const ProbeRun& run : runs.await(std::string("hangs-") + kind, 5)) {
      CHECK_FALSE(run.good);
      CHECK(run.latency >= 50ms);
      CHECK(run.reason == "no answer within 50ms");
    }
  }
  const auto answered = runs.await("good", 5);
  CHECK(std::all_of(answered.begin(), answered.end(), [](const auto& run) { return run.good; }));
  CHECK(answered.back().values ==
        std::vector<std::pair<std::string, double>>{{"depth", 7}, {"ok", 1}});
  CHECK(runs.await("accepts", 5).back().good);  // the kernel accepts for a frozen process
}

TEST_CASE("a server that is away, or says no, is bad at once with the reason") {
  std::uint16_t closed = 0;
  {
    FrozenServer gone;
    closed = gone.port;
  }
  HttpServer server({});
  server.route_open("GET", "/healthz", [](const HttpRequest&) {
    return json_response({{"ok", false}}, 503);
  });
  REQUIRE(server.start());
  Runs runs;
  const auto prober = Prober::create(runs.report());
  REQUIRE(prober);
  (*prober)->add(plan("away", "tcp", closed));
  auto busy = plan("busy", "http", server.port());
  busy.timeout = 2s;
  (*prober)->add(busy);
  CHECK_THAT(runs.await("away", 1).front().reason, Catch::Contains("refused"));
  CHECK(runs.await("busy", 1).front().reason == "HTTP 503");
}

TEST_CASE("a probe that was removed runs no more, even while it hangs") {
  FrozenServer frozen;
  Runs runs;
  const auto prober = Prober::create(runs.report());
  REQUIRE(prober);
  (*prober)->add(plan("sql", "sql", frozen.port));
  (*prober)->add(plan("mark", "tcp", frozen.port));
  runs.await("sql", 1);
  (*prober)->remove("sql");
  const std::size_t seen = runs.await("sql", 1).size();
  runs.await("mark", 10);
  CHECK(runs.await("sql", 1).size() <= seen + 1);
}

}  // namespace
}  // namespace panshi::agent
