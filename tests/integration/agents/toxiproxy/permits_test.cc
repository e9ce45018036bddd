// SPDX-License-Identifier: Apache-2.0
// The promise under test: whoever reaches the API that has no token has the agent do nothing that
// its configuration does not permit: who may call, where proxies listen and lead.
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>

#include "core/io/peer_user.h"
#include "tests/integration/agents/toxiproxy/proxies.h"
#include "tests/support/loopback_listener.h"
#include "tests/support/skip.h"

namespace panshi::agent::toxiproxy {
namespace {

// As a process of that user would ask; the status of the answer, 0 when there is none.
int status_as(uid_t user, const std::string& host, std::uint16_t port) {
  std::array<int, 2> told{};
  REQUIRE(::pipe2(told.data(), O_CLOEXEC) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresuid(user, user, user) != 0) ::_exit(1);
    const int status = raw_status(raw_http(
        port, cat("GET /proxies HTTP/1.1\r\nHost: ", host, "\r\nConnection: close\r\n\r\n"), host));
    (void)!::write(told[1], &status, sizeof status);
    ::_exit(0);
  }
  ::close(told[1]);
  int status = 0;
  (void)!::read(told[0], &status, sizeof status);
  ::close(told[0]);
  int ended = 0;
  ::waitpid(child, &ended, 0);
  return status;
}

TEST_CASE("only root, the agent's own user and who is named may call") {
  if (::geteuid() != 0) skip_case("only root can be somebody else");
  constexpr uid_t kNobody = 65'534;
  Proxies closed({}, {});
  CHECK(status_as(0, test::kHost, closed.server->port()) == 200);
  CHECK(status_as(kNobody, test::kHost, closed.server->port()) == 403);
  ProxyPermits permits;
  permits.users = {kNobody};
  Proxies open({}, permits);
  CHECK(status_as(kNobody, test::kHost, open.server->port()) == 200);
  CHECK(status_as(kNobody - 1, test::kHost, open.server->port()) == 403);
}

TEST_CASE("the port of whoever is trusted with what comes there is no proxy's, by no way") {
  const auto controller = std::make_shared<ControllerPlace>();
  controller->note({"127.0.0.1", 21'700});
  ProxyPermits permits;
  permits.kept = {{21'701, "the agent's own API"}};
  permits.controller = controller;
  permits.own = {test::kHost, 8'474};
  Proxies proxies({}, permits);
  const auto post = [&](const std::string& path, const json& body) {
    return proxies.call("POST", path, body.dump());
  };
  const auto at = [](int port) { return cat(test::kHost, ":", port); };
  const json off{{"name", "a"}, {"listen", at(21'701)}, {"upstream", at(1)}, {"enabled", false}};
  CHECK(post("/proxies", off).status == 201);
  CHECK(post("/proxies/a", {{"enabled", true}}).status == 403);
  CHECK(post("/reset", {}).status == 403);
  for (const int port : {21'700, 21'701}) {
    const json on{{"name", "b"}, {"listen", at(port)}, {"upstream", at(1)}};
    const Reply refused = post("/proxies", on);
    CHECK(refused.status == 403);
    CHECK_THAT(refused.value().at("error").get<std::string>(), Catch::Contains("is kept for "));
    CHECK(post("/populate", json::array({on})).status == 403);
    CHECK(post("/proxies/a", {{"listen", at(port)}, {"enabled", true}}).status == 403);
  }
  CHECK(test::connect_to(21'701).receive().starts_with("error "));
  const json through{{"name", "b"}, {"listen", at(0)}, {"upstream", "localhost:8474"}};
  CHECK(post("/proxies", through).status == 403);
}

TEST_CASE("any free port is never one that is kept") {
  // Half of them are, so that the kernel surely gives one of those.
  ProxyPermits permits;
  for (unsigned port = 1'024; port <= 65'535; ++port) {
    if (port % 4 < 2) permits.kept[static_cast<std::uint16_t>(port)] = "a test";
  }
  Proxies proxies({}, permits);
  for (int i = 0; i < 16; ++i) {
    CHECK(proxies.proxy(cat("p", i), cat(test::kHost, ":1")) % 4 >= 2);
  }
}

TEST_CASE("a proxy may have the port again that it was given, and no other one beyond the range") {
  ProxyPermits permits;
  permits.port_min = permits.port_max = 1'024;  // which is none of those that the kernel gives
  Proxies proxies({}, permits);
  const std::uint16_t port = proxies.proxy("a", cat(test::kHost, ":1"));
  const std::string listen = cat(test::kHost, ":", port);
  const auto call = [&](const std::string& path, const json& body) {
    return proxies.call("POST", path, body.dump()).status;
  };
  CHECK(call("/proxies/a", {{"listen", listen}, {"enabled", false}}) == 200);
  CHECK(call("/proxies/b", {{"listen", listen}}) == 404);
  const json other{{"name", "b"}, {"listen", listen}, {"upstream", cat(test::kHost, ":1")}};
  CHECK(call("/proxies", other) == 403);
  CHECK(call("/populate", json::array({other})) == 403);
  CHECK(call("/reset", {}) == 204);
  CHECK(call("/proxies/a", {{"listen", cat(test::kHost, ":", port - 1)}}) == 403);
  CHECK(call("/proxies/a", {{"listen", cat(test::kHost, ":0")}}) == 200);
  CHECK(call("/proxies/a", {{"listen", listen}}) == 403);
}

TEST_CASE("the sockets of a proxy are nobody's, whoever the agent is") {
  if (::geteuid() != 0) skip_case("only root's sockets can be somebody else's");
  Proxies proxies;
  const LoopbackListener server;
  const auto port = proxies.proxy("p", cat("127.0.0.1:", server.port));
  const auto listens = user_of_listener({test::kHost, port});
  REQUIRE(listens);
  CHECK(*listens == kProxyAccount);
  const test::Socket client = test::connect_to(port);
  const int dialled = server.accept();
  REQUIRE(dialled >= 0);
  const auto end = [](int fd, auto name) {
    sockaddr_in at{};
    socklen_t size = sizeof at;
    REQUIRE(name(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    std::array<char, INET_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET, &at.sin_addr, text.data(), text.size());
    return TcpEnd{text.data(), ntohs(at.sin_port)};
  };
  const auto accepts =
      user_of_peer(end(client.fd(), ::getpeername), end(client.fd(), ::getsockname));
  REQUIRE(accepts);
  CHECK(*accepts == kProxyAccount);
  const auto dials = user_of_peer(end(dialled, ::getpeername), end(dialled, ::getsockname));
  REQUIRE(dials);
  CHECK(*dials == kProxyAccount);
  ::close(dialled);
}

TEST_CASE("a proxy that leads to itself is refused") {
  Proxies proxies;
  const auto create = [&](const char* listen, const char* upstream) {
    const json body{{"name", "loop"}, {"listen", listen}, {"upstream", upstream}};
    const Reply reply = proxies.call("POST", "/proxies", body.dump());
    (void)proxies.call("DELETE", "/proxies/loop");
    return reply.status;
  };
  CHECK(create("127.103.0.1:21703", "127.103.0.1:21703") == 400);
  CHECK(create("127.0.0.1:21703", "localhost:21703") == 400);
  CHECK(create("0.0.0.0:21703", ":21703") == 400);
  CHECK(create("0.0.0.0:21703", "127.103.0.1:21703") == 400);
  CHECK(create("0.0.0.0:21703", "redis:21703") == 201);  // another machine's, by the same port
  CHECK(create("127.103.0.1:21703", "127.103.0.2:21703") == 201);
  const std::uint16_t port = proxies.proxy("p", "127.103.0.1:1");
  const json back{{"upstream", cat(test::kHost, ":", port)}};
  CHECK(proxies.call("POST", "/proxies/p", back.dump()).status == 400);
}

TEST_CASE("a proxy is where the configuration lets it be, and leads where it lets it") {
  ProxyPermits permits;
  permits.proxies_max = 2;
  Proxies proxies({}, permits);
  const auto create = [&](const char* name, const char* listen, const char* upstream) {
    const json body{{"name", name}, {"listen", listen}, {"upstream", upstream}};
    const Reply reply = proxies.call("POST", "/proxies", body.dump());
    return cat(reply.status, " ", reply.value().value("error", ""));
  };
  CHECK(create("a", "0.0.0.0:0", "127.0.0.1:1") ==
        "403 [::] is not among the agent's `toxiproxy.listen_in`");
  CHECK(create("a", "127.103.0.1:81", "127.0.0.1:1") ==
        "403 port 81 is not of the agent's `toxiproxy.port_min` to `port_max`, 20000 to 29999: "
        "listen on one of those, or write others there");
  for (const char* upstream : {"192.0.2.1:80", "db:3306", "[2001:db8::1]:80", "nonsense"}) {
    INFO(upstream);
    CHECK_THAT(create("a", "127.103.0.1:0", upstream),
               Catch::StartsWith("403 ") && Catch::EndsWith("`toxiproxy.upstreams`"));
  }
  CHECK(create("a", "127.103.0.1:0", "localhost:1") == "201 ");
  // Nor later, by another way.
  CHECK(proxies.call("POST", "/proxies/a", R"({"upstream":"192.0.2.1:80"})").status == 403);
  CHECK(proxies.call("POST", "/proxies/a", R"({"listen":"127.103.0.1:81"})").status == 403);
  const json many = {{{"name", "a"}, {"listen", "127.103.0.1:0"}, {"upstream", "192.0.2.1:80"}}};
  CHECK(proxies.call("POST", "/populate", many.dump()).status == 403);
  CHECK(json::parse(proxies.call("GET", "/proxies/a").body).at("upstream") == "localhost:1");
  CHECK(create("b", "127.103.0.1:0", "127.1.2.3:1") == "201 ");
  CHECK(create("c", "127.103.0.1:0", "127.1.2.3:1") ==
        "500 there are 2 proxies, which is the limit");
}

}  // namespace
}  // namespace panshi::agent::toxiproxy
