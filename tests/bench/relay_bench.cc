// SPDX-License-Identifier: Apache-2.0
// The bare cost of moving bytes from one socket to another: a copy through a buffer of several
// sizes, or splice(2) through a pipe. Blocking loops on two threads, nothing else; the ground for
// docs/decisions/0004-link-data-path.md.
#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>

#include "tests/integration/agents/links/sockets.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using test::connect_to;
using test::Server;
using test::Socket;

void copy(int from, int to, std::size_t size) {
  std::vector<char> buffer(size);
  for (;;) {
    const ssize_t got = ::recv(from, buffer.data(), size, 0);
    if (got <= 0) break;
    for (ssize_t sent = 0; sent < got;) {
      const ssize_t now =
          ::send(to, buffer.data() + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
      if (now <= 0) return;
      sent += now;
    }
  }
  ::shutdown(to, SHUT_WR);
}

void splice(int from, int to, std::size_t size) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return;
  ::fcntl(pipe[1], F_SETPIPE_SZ, static_cast<int>(size));
  for (;;) {
    ssize_t left = ::splice(from, nullptr, pipe[1], nullptr, size, SPLICE_F_MOVE);
    if (left <= 0) break;
    while (left > 0) {
      const ssize_t now =
          ::splice(pipe[0], nullptr, to, nullptr, static_cast<std::size_t>(left), SPLICE_F_MOVE);
      if (now <= 0) break;
      left -= now;
    }
  }
  ::close(pipe[0]);
  ::close(pipe[1]);
  ::shutdown(to, SHUT_WR);
}

using Move = void (*)(int from, int to, std::size_t size);

struct Way {
  const char* name;
  Move move;
  std::size_t size;
  std::vector<double> bulk = {};
  std::vector<double> trips = {};
};

double megabytes_a_second(std::uint16_t port) {
  constexpr std::size_t kTotal = 256 << 20;
  Socket socket = connect_to(port);
  const std::string block(1 << 18, 'b');
  const auto start = Clock::now();
  for (std::size_t sent = 0; sent < kTotal; sent += block.size()) (void)socket.send(block);
  socket.finish_sending();
  (void)socket.receive_exactly(1);
  return static_cast<double>(kTotal) / 1e6 /
         std::chrono::duration<double>(Clock::now() - start).count();
}

double round_trips(std::uint16_t port) {
  Socket socket = connect_to(port);
  const std::string message(64, 'm');
  const auto start = Clock::now();
  int count = 0;
  for (; Clock::now() - start < 200ms; ++count) {
    (void)socket.send(message);
    (void)socket.receive_exactly(message.size());
  }
  return count / std::chrono::duration<double>(Clock::now() - start).count();
}

// Counts bytes when they come in bulk, echoes small messages.
void serve(Socket& socket) {
  std::string buffer(1 << 18, '\0');
  for (;;) {
    const ssize_t got = ::recv(socket.fd(), buffer.data(), buffer.size(), 0);
    if (got <= 0) break;
    if (got == 64) (void)socket.send(std::string_view(buffer.data(), 64));
  }
  (void)socket.send("x");
}

int run() {
  Server server(serve);
  std::vector<Way> ways = {{"copy 16 KiB", copy, 16 << 10},     {"copy 64 KiB", copy, 64 << 10},
                           {"copy 128 KiB", copy, 128 << 10},   {"copy 256 KiB", copy, 256 << 10},
                           {"splice 64 KiB", splice, 64 << 10}, {"splice 1 MiB", splice, 1 << 20}};
  for (int round = 0; round < 5; ++round) {
    for (Way& way : ways) {
      Server relay([&](Socket& client) {
        Socket upstream = connect_to(server.port());
        std::thread back([&] { way.move(upstream.fd(), client.fd(), way.size); });
        way.move(client.fd(), upstream.fd(), way.size);
        back.join();
      });
      way.bulk.push_back(megabytes_a_second(relay.port()));
      way.trips.push_back(round_trips(relay.port()));
    }
  }
  for (Way& way : ways) {
    std::sort(way.bulk.begin(), way.bulk.end());
    std::sort(way.trips.begin(), way.trips.end());
    std::printf("%-14s bulk median %6.0f MB/s (%.0f to %.0f)   round trips median %6.0f /s\n",
                way.name, way.bulk[2], way.bulk.front(), way.bulk.back(), way.trips[2]);
  }
  return 0;
}

}  // namespace
}  // namespace panshi

int main() {
  std::signal(SIGPIPE, SIG_IGN);
  return panshi::run();
}
