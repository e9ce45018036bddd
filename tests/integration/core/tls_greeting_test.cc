// SPDX-License-Identifier: Apache-2.0
// Promise: a session of TLS begins with a whole greeting, however it comes; what cannot become one
// ends the connection.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/core/house.h"
#include "tests/support/allocated.h"
#include "tests/support/loopback_listener.h"
#include "tests/support/raw_connection.h"
#include "tests/support/skip.h"

namespace panshi {
namespace {

using namespace house;

// Hands each byte of what the client says on by itself.
void drip(int from, int to) {
  const int on = 1;
  ::setsockopt(to, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  for (char byte = 0; ::recv(from, &byte, 1, 0) == 1;) {
    if (::send(to, &byte, 1, MSG_NOSIGNAL) != 1) break;
  }
  ::shutdown(to, SHUT_WR);
}

TEST_CASE("a greeting that comes byte by byte is a greeting") {
  House house;
  Node node(good(Tls::load(house.issue("node/n-1"), house.now)));
  const LoopbackListener between;
  std::thread relay([&] {
    const int client = between.accept();
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(node.server.port());
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)::connect(server, reinterpret_cast<sockaddr*>(&at), sizeof at);
    std::thread back([&] {
      std::array<char, 4096> bytes;
      for (ssize_t got = 0; (got = ::recv(server, bytes.data(), bytes.size(), 0)) > 0;) {
        (void)::send(client, bytes.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL);
      }
      ::shutdown(client, SHUT_RDWR);
    });
    drip(client, server);
    back.join();
    ::close(client);
    ::close(server);
  });
  HttpCall call = node.call(house.as("controller/main"));
  call.url = cat("https://127.0.0.1:", between.port, "/who");
  call.one_off = true;
  const auto reply = HttpClient().send(call);
  relay.join();
  REQUIRE(reply);
  CHECK(reply->body == "\"controller/main\"");
}

// A session of TLS takes 70 KB.
TEST_CASE("connections that have not greeted yet cost no session") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  skip_case("a sanitizer's own memory is counted, too");
#endif
  constexpr int kMany = 400;
  RawConnection::speak_tls(false);
  House house;
  Node node(good(Tls::load(house.issue("node/n-1"), house.now)));
  const auto ask = [&, call = node.call(house.as("controller/main"))] {
    return HttpClient().send(call)->status;
  };
  REQUIRE(ask() == 200);
  const long before = allocated_kib();
  std::vector<std::unique_ptr<RawConnection>> slow;
  for (int i = 0; i < kMany; ++i) {
    slow.push_back(std::make_unique<RawConnection>(node.server.port()));
    REQUIRE(slow.back()->send("\x16\x03"));
  }
  CHECK(ask() == 200);  // behind them all
  CHECK(allocated_kib() - before < kMany * 30);
}

TEST_CASE("what cannot be the greeting of TLS ends a connection at once") {
  RawConnection::speak_tls(false);
  House house;
  Node node(good(Tls::load(house.issue("node/n-1"), house.now)));
  const std::string record("\x16\x03\x01", 3);
  for (const std::string& bytes :
       {std::string("\x15\x03\x01\x00\x02\x02\x28", 7), record + "\xff\xff",
        record + std::string("\x00\x00", 2), record + std::string("\x00\x04", 2) + "oops"}) {
    RawConnection connection(node.server.port());
    REQUIRE(connection.send(bytes));
    CHECK(connection.is_closed());
  }
  RawConnection half(node.server.port());
  REQUIRE(half.send(record + std::string("\x00\x60", 2) + "xy"));
  half.end();
  CHECK(half.is_closed());
}

}  // namespace
}  // namespace panshi
