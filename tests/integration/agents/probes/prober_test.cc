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
#include <thread>

#include "core/io/http_server.h"
#include "core/pki/authority.h"
#include "tests/integration/agents/probes/runs.h"
#include "tests/support/temporary_folder.h"

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
  int fd() const { return fd_; }
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

// Answers each request with `head` and then `piece`, over and over, until its client is gone or it
// has sent 64 MiB.
class EndlessServer {
 public:
  EndlessServer(std::string head, std::string piece)
      : head_(std::move(head)), piece_(std::move(piece)), thread_([this] { run(); }) {}
  ~EndlessServer() {
    ::shutdown(listener_.fd(), SHUT_RDWR);
    thread_.join();
  }
  std::uint16_t port() const { return listener_.port; }

 private:
  void run() {
    while (true) {
      const int client = ::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      std::size_t left = 64 << 20;
      const std::string* text = &head_;
      while (left > text->size() && ::send(client, text->data(), text->size(), MSG_NOSIGNAL) > 0) {
        left -= text->size();
        text = &piece_;
      }
      ::close(client);
    }
  }

  FrozenServer listener_;
  const std::string head_;
  const std::string piece_;
  std::thread thread_;
};

TEST_CASE("a server that answers without end is bad, and holds up nobody else") {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  std::string pieces;
  for (int i = 0; i < 1'000; ++i) pieces += "1\r\nx\r\n";
  EndlessServer chunks(ok + "Transfer-Encoding: chunked\r\n\r\n", pieces);
  EndlessServer one_by_one(ok + "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n");
  EndlessServer body(ok + "\r\n", std::string(64 << 10, 'x'));
  EndlessServer headers(ok, "X-More: " + std::string(1'000, 'x') + "\r\n");
  EndlessServer line(ok + "X-More: ", std::string(16 << 10, 'x'));
  EndlessServer go_on("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n");
  EndlessServer extension(ok + "Transfer-Encoding: chunked\r\n\r\n1;a=", std::string(4'096, 'x'));
  HttpServer server({});
  server.route_open("GET", "/healthz", [](const HttpRequest&) { return json_response({}); });
  REQUIRE(server.start());
  Runs runs;
  const auto prober = Prober::create(runs.report());
  REQUIRE(prober);
  const std::vector<std::pair<std::string, const EndlessServer*>> hostile = {
      {"chunks", &chunks},      {"one-by-one", &one_by_one},
      {"body", &body},          {"headers", &headers},
      {"line", &line},          {"go-on", &go_on},
      {"extension", &extension}};
  for (const auto& [name, one] : hostile) (*prober)->add(plan(name, "http", one->port()));
  auto good = plan("good", "http", server.port());
  good.timeout = 2s;
  (*prober)->add(good);
  for (const auto& [name, one] : hostile) {
    INFO(name);
    for (const ProbeRun& run : runs.await(name, 3)) CHECK_FALSE(run.good);
  }
  const auto answered = runs.await("good", 10);
  CHECK(std::all_of(answered.begin(), answered.end(), [](const auto& run) { return run.good; }));
}

TEST_CASE("over https a server is believed by its certificate, or whoever it is when one says so") {
  const TemporaryFolder folder;
  auto authority = Authority::create(folder.path() / "tls", wall_now());
  REQUIRE(authority);
  REQUIRE(authority->issue({"node", "n-1", {"127.0.0.1"}}, wall_now()));
  auto tls = Tls::load(authority->files_of("node/n-1"), wall_now());
  REQUIRE(tls);
  HttpServer server({.tls = *tls});
  server.route_open("GET", "/healthz", [](const HttpRequest&) {
    return json_response({{"depth", 3}});
  });
  REQUIRE(server.start());
  Runs runs;
  const auto prober = Prober::create(runs.report());
  REQUIRE(prober);
  const auto add = [&](const char* name, const auto& change) {
    auto probe = plan(name, "http", server.port());
    probe.timeout = 5s;
    probe.target.https = true;
    probe.target.authority = authority->files_of("node/n-1").authority.string();
    probe.target.pointers = {{"depth", "/depth"}};
    change(probe.target);
    (*prober)->add(probe);
    return runs.await(name, 1).front();
  };
  const ProbeRun good = add("good", [](ProbeTarget&) {});
  CHECK(good.good);
  CHECK(good.values == std::vector<std::pair<std::string, double>>{{"depth", 3}});
  CHECK(add("named", [](ProbeTarget& target) { target.server_name = "n-1"; }).good);
  const ProbeRun other = add("other", [](ProbeTarget& target) { target.server_name = "n-2"; });
  CHECK_FALSE(other.good);
  CHECK_THAT(other.reason, Catch::Contains("n-2"));
  const ProbeRun stranger = add("stranger", [](ProbeTarget& target) { target.authority.clear(); });
  CHECK_FALSE(stranger.good);
  CHECK_THAT(stranger.reason, Catch::Contains("certificate"));
  CHECK(add("whoever", [](ProbeTarget& target) {
          target.authority.clear();
          target.unchecked = true;
        }).good);
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
