// SPDX-License-Identifier: Apache-2.0
// Promise: the kernel names the user of the other end of a connection, of both families, and nobody
// for an end that no process holds.
#include "core/io/sock_diag.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "core/io/socket_end.h"
#include "tests/support/eventually.h"
#include "tests/support/hostile_user.h"
#include "tests/support/loopback_listener.h"
#include "tests/support/skip.h"

namespace panshi {
namespace {

struct Socket {
  explicit Socket(int opened) : fd(opened) { REQUIRE(fd >= 0); }
  ~Socket() { ::close(fd); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  const int fd;
};

int call(const char* address, std::uint16_t port) {
  sockaddr_storage to{};
  auto& four = reinterpret_cast<sockaddr_in&>(to);
  auto& six = reinterpret_cast<sockaddr_in6&>(to);
  if (::inet_pton(AF_INET, address, &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
  } else {
    REQUIRE(::inet_pton(AF_INET6, address, &six.sin6_addr) == 1);
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
  }
  const int fd = ::socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) return fd;
  ::close(fd);
  return -1;
}

// Listens at every address of both families. `device`: what comes over that one alone.
int listen_everywhere(const std::string& device = "") {
  const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (!device.empty()) {
    REQUIRE(::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device.data(),
                         static_cast<socklen_t>(device.size())) == 0);
  }
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
  REQUIRE(::listen(fd, 4) == 0);
  return fd;
}

TEST_CASE("the kernel names the user of both ends, over IPv4, IPv6 and both") {
  const Socket server(listen_everywhere());
  const char* address = GENERATE("127.0.0.1", "127.7.0.9", "::1");
  INFO(address);
  const Socket client(call(address, own_end(server.fd).port));
  const TcpEnd here = own_end(client.fd);
  const TcpEnd there = peer_end(client.fd);
  const auto before = user_of_end(there, here);  // nobody has accepted it
  CHECK_FALSE(before);
  const Socket accepted(::accept4(server.fd, nullptr, nullptr, SOCK_CLOEXEC));
  CHECK(user_of_end(there, here).value() == ::geteuid());
  CHECK(user_of_end(here, there).value() == ::geteuid());
  CHECK(user_of_peer(there, here).value() == ::geteuid());
  // Not those of a port beside it, of which there is only the listener.
  const TcpEnd beside{here.address, static_cast<std::uint16_t>(here.port ^ 1)};
  CHECK_FALSE(user_of_end(there, beside));
}

TEST_CASE("a socket that is bound to the loopback device hides from nobody") {
  const Socket server(listen_everywhere("lo"));
  const TcpEnd at{"127.0.0.1", own_end(server.fd).port};
  CHECK(user_of_listening(at).value() == ::geteuid());
  const Socket client(call("127.0.0.1", at.port));
  const Socket accepted(::accept4(server.fd, nullptr, nullptr, SOCK_CLOEXEC));
  CHECK(user_of_end(peer_end(client.fd), own_end(client.fd)).value() == ::geteuid());
}

TEST_CASE("who listens is named, at its own address and at every one, and nobody where nobody is") {
  const Socket everywhere(listen_everywhere());
  const std::uint16_t port = own_end(everywhere.fd).port;
  for (const char* address : {"127.0.0.1", "127.7.0.9", "::1"}) {
    INFO(address);
    CHECK(user_of_listening({address, port}).value() == ::geteuid());
  }
  const LoopbackListener one;
  CHECK(user_of_listening({"127.0.0.1", one.port}).value() == ::geteuid());
  CHECK(user_of_listening({"127.0.0.2", one.port}).error().code == ErrorCode::kNotFound);
}

TEST_CASE("no password goes where nobody is seen, but as insecure") {
  const LoopbackListener server;
  const Socket client(call("127.0.0.1", server.port));
  CHECK(check_server(client.fd, {}));
  ::close(server.accept());
  server.stop();
  std::string said;
  CHECK(eventually([&] {
    const Status may = check_server(client.fd, {});
    if (!may) said = may.error().message;
    return !may;
  }));
  CHECK_THAT(said, Catch::Contains("no process of this machine is seen to hold port"));
  CHECK(check_server(client.fd, {.insecure = true}));
}

TEST_CASE("an end that was closed is nobody's, and mixed or broken addresses are none") {
  const LoopbackListener server;
  const Socket client(call("127.0.0.1", server.port));
  const TcpEnd here = own_end(client.fd);
  const TcpEnd there = peer_end(client.fd);
  ::close(server.accept());
  const auto closed = user_of_end(there, here);
  REQUIRE_FALSE(closed);
  CHECK(closed.error().code == ErrorCode::kNotFound);
  CHECK_FALSE(user_of_end({"::1", there.port}, here));
  CHECK_FALSE(user_of_end({"nowhere", 1}, {"", 2}));
}

TEST_CASE("the kernel names another account that holds the other end") {
  if (::geteuid() != 0) skip_case("only root can run a process of another account");
  const std::uint16_t port = LoopbackListener().port;
  const HostileUser squatter({.address = "127.0.0.1", .ports = {port}, .greeting = "hello"});
  REQUIRE(eventually([&] {  // it listens now and then
    const int fd = call("127.0.0.1", port);
    if (fd < 0) return false;
    const Socket client(fd);
    char hello = 0;
    if (::recv(fd, &hello, 1, 0) != 1) return false;  // not accepted
    CHECK(user_of_end(peer_end(fd), own_end(fd)).value() == 65'534);
    return true;
  }));
}

}  // namespace
}  // namespace panshi
