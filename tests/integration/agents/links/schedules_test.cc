// SPDX-License-Identifier: Apache-2.0
// The promise under test: every byte that a peer of a direct connection could have read arrives
// through a link as well, whoever sends, finishes, closes or resets when, with and without toxics.
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <future>

#include "tests/integration/agents/links/link_fixture.h"
#include "tests/integration/agents/links/schedule.h"

namespace panshi::agent {
namespace {

using test::Peer;
using test::PeerScript;
using test::Schedule;

struct Outcome {
  std::string client;
  std::string server;
};

// A listener that plays the server of one schedule after another.
class ScheduledServer {
 public:
  ScheduledServer() {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = test::address_of(0);
    socklen_t size = sizeof address;
    ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size);
    ::listen(fd_, 64);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~ScheduledServer() { ::close(fd_); }
  std::uint16_t port() const { return port_; }

  Outcome play(const Schedule& schedule, std::uint16_t through) const {
    auto server = std::async(std::launch::async, [&] {
      return Peer::follow(schedule.server, Socket(::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)),
                          'A');
    });
    std::string client = Peer::follow(schedule.client, connect_to(through), 'a');
    return {std::move(client), server.get()};
  }

 private:
  int fd_ = -1;
  std::uint16_t port_ = 0;
};

// Toxics that lose nothing.
Toxic draw_toxic(Random& random) {
  const auto kind = random.below(5);
  Toxic toxic = delay(Duration(1000 * random.below(4)), Duration(500 * random.below(2)));
  if (kind == 1) toxic = {.kind = Toxic::Kind::kSlicer, .bytes = 3000, .variation = 2000};
  if (kind == 2) toxic = {.kind = Toxic::Kind::kBandwidth, .rate = 50'000'000};
  if (kind == 3) toxic = {.kind = Toxic::Kind::kSlowClose, .delay = 2ms};
  if (kind == 4) toxic = {.kind = Toxic::Kind::kNothing};
  toxic.jitter = std::min(toxic.jitter, toxic.delay);
  toxic.direction = static_cast<Toxic::Direction>(random.below(3));
  return toxic;
}

std::uint64_t given(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// A peer that ends its side abruptly does not look for the rest: what it got is its own doing.
bool lost(const PeerScript& script, const std::string& direct, const std::string& linked) {
  return !script.abrupt() && !linked.starts_with(direct);
}

TEST_CASE(
    "no schedule of data and ends and resets loses a byte that a direct connection delivers") {
  const std::uint64_t first = given("PANSHI_SEED", 1);
  const std::uint64_t count = given("PANSHI_SCHEDULES", 600);
  ScheduledServer server;
  auto table = make_table();
  const auto port = open_link(*table, {{"a", cat(test::kHost, ":", server.port())}});
  std::uint64_t whole = 0;
  std::uint64_t spoilt = 0;
  std::uint64_t resets = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Random random(seed);
    const Schedule schedule = test::draw_schedule(random);
    const auto toxics = random.below(3);
    for (std::uint64_t i = 0; i < toxics; ++i) {
      REQUIRE(table->add_toxic("database", cat("t", i), draw_toxic(random)));
    }
    const Outcome direct = server.play(schedule, server.port());
    const Outcome linked = server.play(schedule, port);
    for (std::uint64_t i = 0; i < toxics; ++i) {
      REQUIRE(table->remove_toxic("database", cat("t", i)));
    }
    INFO("PANSHI_SEED=" << seed << " PANSHI_SCHEDULES=1, toxics " << toxics << ": client got "
                        << linked.client.size() << " of " << direct.client.size() << ", server got "
                        << linked.server.size() << " of " << direct.server.size());
    const bool is_whole = !lost(schedule.client, direct.client, linked.client) &&
                          !lost(schedule.server, direct.server, linked.server);
    CHECK(is_whole);
    if (is_whole) ++whole;
    if (toxics > 0) ++spoilt;
    if (schedule.client.abrupt() || schedule.server.abrupt()) ++resets;
  }
  std::printf(
      "seeds %llu to %llu: %llu of %llu schedules without a loss (%llu with a reset or "
      "close, %llu with toxics)\n",
      static_cast<unsigned long long>(first), static_cast<unsigned long long>(first + count - 1),
      static_cast<unsigned long long>(whole), static_cast<unsigned long long>(count),
      static_cast<unsigned long long>(resets), static_cast<unsigned long long>(spoilt));
}

TEST_CASE("an answer that a reset follows arrives whole with the reset behind it") {
  Server server([](Socket& socket) {
    (void)socket.send(std::string(1000, 'x'));
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  });
  auto table = make_table();
  const auto port = open_link(*table, {{"a", server.address()}});
  for (int i = 0; i < 100; ++i) {
    if (i == 50) REQUIRE(table->add_toxic("database", "slow", delay(2ms)));
    Socket client = connect_to(port);
    CHECK(client.receive_exactly(1000).size() == 1000);
    CHECK(client.receive() == kResetByPeer);
  }
}

TEST_CASE("an answer to a body that nobody reads arrives whole") {
  const std::string answer = "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n";
  Server server([&](Socket& socket) {
    (void)socket.receive(100);
    (void)socket.send(answer);  // and closes, with the body unread
  });
  auto table = make_table();
  const auto port = open_link(*table, {{"a", server.address()}});
  for (int i = 0; i < 100; ++i) {
    Socket client = connect_to(port);
    (void)client.send(std::string(200'000, 'b'));
    CHECK(client.receive_exactly(answer.size()) == answer);
  }
}

}  // namespace
}  // namespace panshi::agent
