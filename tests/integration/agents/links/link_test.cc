// SPDX-License-Identifier: Apache-2.0
// The promises under test: bytes are never lost, doubled or reordered in a connection that lives;
// toxics and reroutes act at once, also on what is established; a dead upstream stalls nobody.
#include <fcntl.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

#include "agents/links/link_table.h"
#include "tests/integration/agents/links/sockets.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;
using test::connect_to;
using test::kHost;
using test::Server;
using test::Socket;

void echo(Socket& socket) {
  for (;;) {
    const std::string text = socket.receive();
    if (text.empty() || text.starts_with("error ") || !socket.send(text)) return;
  }
}

// Says `name` first, then echoes.
Server::Serve named(std::string name) {
  return [name](Socket& socket) {
    if (socket.send(name)) echo(socket);
  };
}

std::unique_ptr<LinkTable> make_table() {
  auto table = LinkTable::create();
  REQUIRE(table);
  return std::move(*table);
}

LinkSpec spec_to(std::vector<LinkUpstream> upstreams) {
  return {.name = "database",
          .listen = std::string(kHost) + ":0",
          .upstreams = std::move(upstreams),
          .seed = 7};
}

std::uint16_t open_link(LinkTable& table, std::vector<LinkUpstream> upstreams) {
  const auto opened = table.open(spec_to(std::move(upstreams)));
  REQUIRE(opened);
  return table.port("database").value();
}

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  std::uint64_t state = 42;
  for (char& c : text) c = static_cast<char>((state = state * 6364136223846793005 + 1) >> 56);
  return text;
}

Toxic delay(Duration by, Duration jitter = {}) {
  return {.kind = Toxic::Kind::kDelay, .delay = by, .jitter = jitter};
}
const Toxic kDown{.kind = Toxic::Kind::kDown};
const Toxic kReset{.kind = Toxic::Kind::kReset};
const std::string kResetByPeer = "error " + std::to_string(ECONNRESET);

TEST_CASE("a link carries megabytes both ways unchanged and counts them") {
  Server server(echo);
  auto table = make_table();
  Socket client = connect_to(open_link(*table, {{"a", server.address()}}));
  REQUIRE(client);
  const std::string sent = pattern(16 << 20);
  std::thread sender([&] {
    client.send(sent);
    client.finish_sending();
  });
  const std::string got = client.receive_exactly(sent.size());
  sender.join();
  CHECK((got == sent));
  CHECK(client.receive().empty());  // the server's end of file
  const LinkState state = table->links().at(0);
  CHECK(state.bytes_upstream == 16 << 20);
  CHECK(state.bytes_downstream == 16 << 20);
  CHECK(state.accepted == 1);
}

TEST_CASE("half-close is kept: an answer after the end of the question arrives") {
  Server server([](Socket& socket) {
    std::string question;
    for (std::string part = socket.receive(); !part.empty(); part = socket.receive()) {
      if (part.starts_with("error ")) return;
      question += part;
    }
    socket.send("answer to " + question);
  });
  auto table = make_table();
  Socket client = connect_to(open_link(*table, {{"a", server.address()}}));
  client.send("question");
  client.finish_sending();
  CHECK(client.receive_exactly(18) == "answer to question");
  CHECK(client.receive().empty());
}

TEST_CASE("a reader that does not read stops the writer instead of filling memory") {
  Server server([](Socket& socket) {
    char byte = 0;
    ::recv(socket.fd(), &byte, 1, MSG_PEEK);
    pollfd wait{.fd = socket.fd(), .events = POLLRDHUP, .revents = 0};
    ::poll(&wait, 1, 10'000);
  });
  auto table = make_table();
  Socket client = connect_to(open_link(*table, {{"a", server.address()}}));
  ::fcntl(client.fd(), F_SETFL, O_NONBLOCK);
  const std::string block(65536, 'x');
  std::size_t written = 0;
  for (;;) {
    const ssize_t sent = ::send(client.fd(), block.data(), block.size(), MSG_NOSIGNAL);
    if (sent > 0) written += static_cast<std::size_t>(sent);
    pollfd wait{.fd = client.fd(), .events = POLLOUT, .revents = 0};
    if (sent < 0 && ::poll(&wait, 1, 500) == 0) break;
    REQUIRE(written < 64 << 20);
  }
  const auto passed = static_cast<std::size_t>(table->links().at(0).bytes_upstream);
  CHECK(written > passed);  // the rest is in the link's bounded buffer and the kernel's
}

TEST_CASE("a reroute that drains leaves established connections and moves new ones") {
  Server a(named("a"));
  Server b(named("b"));
  auto table = make_table();
  const auto port = open_link(*table, {{"a", a.address()}, {"b", b.address()}});
  Socket before = connect_to(port);
  REQUIRE(before.receive_exactly(1) == "a");
  const auto rerouted = table->reroute("database", "b", LinkTable::Established::kDrain);
  REQUIRE(rerouted);
  CHECK(rerouted->from == "a");
  CHECK(rerouted->to == "b");
  Socket after = connect_to(port);
  CHECK(after.receive_exactly(1) == "b");
  before.send("still here");
  CHECK(before.receive_exactly(10) == "still here");
}

TEST_CASE("a reroute that resets ends the connections to the old upstream only") {
  Server a(named("a"));
  Server b(named("b"));
  auto table = make_table();
  const auto port = open_link(*table, {{"a", a.address()}, {"b", b.address()}});
  Socket before = connect_to(port);
  REQUIRE(before.receive_exactly(1) == "a");
  REQUIRE(table->reroute("database", "b", LinkTable::Established::kReset));
  CHECK(before.receive() == kResetByPeer);
  Socket after = connect_to(port);
  REQUIRE(after.receive_exactly(1) == "b");
  REQUIRE(table->reroute("database", "b", LinkTable::Established::kReset));  // said again
  after.send("x");
  CHECK(after.receive_exactly(1) == "x");
}

TEST_CASE("an unknown upstream or link is refused with what there is") {
  Server a(echo);
  auto table = make_table();
  open_link(*table, {{"mariadb-a", a.address()}, {"mariadb-b", a.address()}});
  const auto rerouted = table->reroute("database", "mariadb-c", LinkTable::Established::kDrain);
  CHECK(rerouted.error().code == ErrorCode::kNotFound);
  CHECK(rerouted.error().message ==
        "link `database` has no upstream `mariadb-c` (did you mean `mariadb-a`?); it has "
        "mariadb-a, mariadb-b");
  CHECK(table->add_toxic("databse", "t", kDown).error().message ==
        "no link `databse` (did you mean `database`?); there are: database");
}

TEST_CASE("down closes what is established and refuses new connections until it is removed") {
  Server server(named("a"));
  auto table = make_table();
  const auto port = open_link(*table, {{"a", server.address()}});
  Socket before = connect_to(port);
  REQUIRE(before.receive_exactly(1) == "a");
  REQUIRE(table->add_toxic("database", "f1", kDown));
  REQUIRE(table->add_toxic("database", "f2", kDown));
  CHECK(before.receive().empty());
  int error = 0;
  CHECK_FALSE(connect_to(port, &error));
  CHECK(error == ECONNREFUSED);
  CHECK(table->links().at(0).down);
  REQUIRE(table->remove_toxic("database", "f1"));
  CHECK_FALSE(connect_to(port));  // the other one still holds it down
  REQUIRE(table->remove_toxic("database", "f2"));
  REQUIRE(table->remove_toxic("database", "f2"));
  Socket after = connect_to(port);
  REQUIRE(after);
  CHECK(after.receive_exactly(1) == "a");
}

TEST_CASE("reset sends RST to what is established and to each new connection") {
  Server server(named("a"));
  auto table = make_table();
  const auto port = open_link(*table, {{"a", server.address()}});
  Socket before = connect_to(port);
  REQUIRE(before.receive_exactly(1) == "a");
  REQUIRE(table->add_toxic("database", "f1", kReset));
  CHECK(before.receive() == kResetByPeer);
  Socket during = connect_to(port);
  REQUIRE(during);
  CHECK(during.receive() == kResetByPeer);
  REQUIRE(table->remove_toxic("database", "f1"));
  CHECK(connect_to(port).receive_exactly(1) == "a");
}

TEST_CASE("removing a delay at once delivers what it held, in order and unchanged") {
  Server server(echo);
  auto table = make_table();
  const auto port = open_link(*table, {{"a", server.address()}});
  Socket client = connect_to(port);
  client.send("x");
  REQUIRE(client.receive_exactly(1) == "x");
  REQUIRE(table->add_toxic("database", "slow", delay(60s)));  // on an established connection
  const std::string sent = pattern(8 << 20);
  std::thread sender([&] {
    client.send(sent);
    client.finish_sending();
  });
  CHECK_FALSE(client.has_input(200));
  REQUIRE(table->remove_toxic("database", "slow"));
  const std::string got = client.receive_exactly(sent.size());
  sender.join();
  CHECK((got == sent));
  CHECK(client.receive().empty());
}

TEST_CASE("toxics that come and go at random lose, double and reorder nothing") {
  Server server(echo);
  auto table = make_table();
  Socket client = connect_to(open_link(*table, {{"a", server.address()}}));
  const std::string sent = pattern(24 << 20);
  std::atomic<bool> done = false;
  std::thread sender([&] {
    client.send(sent);
    client.finish_sending();
  });
  std::thread chaos([&] {
    for (int i = 0; !done; ++i) {
      const std::string id = std::to_string(i % 3);
      const auto by = Duration(100 * (i % 17));
      (void)table->add_toxic("database", id, delay(by, by));
      (void)table->remove_toxic("database", std::to_string((i + 1) % 3));
    }
  });
  const std::string got = client.receive_exactly(sent.size());
  done = true;
  sender.join();
  chaos.join();
  CHECK((got == sent));
}

// Echoes the time at which each 8 bytes arrived.
void stamp(Socket& socket) {
  while (socket.receive_exactly(8).size() == 8) {
    const std::int64_t now = std::chrono::steady_clock::now().time_since_epoch().count();
    socket.send(std::string_view(reinterpret_cast<const char*>(&now), sizeof now));
  }
}

TEST_CASE("a delay holds each chunk at least as long as drawn, and jitter spreads evenly") {
  Server server(stamp);
  auto table = make_table();
  Socket client = connect_to(open_link(*table, {{"a", server.address()}}));
  Toxic toxic = delay(4ms, 3ms);
  toxic.direction = Toxic::Direction::kUpstream;
  REQUIRE(table->add_toxic("database", "slow", toxic));
  std::vector<double> took_ms;
  for (int i = 0; i < 300; ++i) {
    const auto sent = std::chrono::steady_clock::now();
    client.send("8 bytes.");
    std::int64_t arrived = 0;
    const std::string answer = client.receive_exactly(8);
    REQUIRE(answer.size() == 8);
    std::copy(answer.begin(), answer.end(), reinterpret_cast<char*>(&arrived));
    took_ms.push_back(static_cast<double>(arrived - sent.time_since_epoch().count()) / 1e6);
  }
  std::sort(took_ms.begin(), took_ms.end());
  CHECK(took_ms.front() >= 1.0);
  CHECK(took_ms.front() < 1.5);              // a draw near the lower bound came early
  CHECK(took_ms[took_ms.size() / 4] > 1.5);  // quarters of an even spread: 2.5, 4, 5.5
  CHECK(took_ms[took_ms.size() * 3 / 4] > 4.5);
  const auto account = table->delay_account("database", "slow");
  REQUIRE(account);
  CHECK(account->chunks == 300);
  CHECK(account->mean >= 3ms);
  CHECK(account->max >= 6ms);
}

TEST_CASE("an upstream that refuses resets the client and is counted") {
  std::string nobody;
  {
    Server gone(echo);
    nobody = gone.address();
  }
  auto table = make_table();
  Socket client = connect_to(open_link(*table, {{"a", nobody}}));
  CHECK(client.receive() == kResetByPeer);
  CHECK(table->links().at(0).connect_failed == 1);
}

// A listener whose backlog is full: the kernel then drops SYNs, as a black hole does.
struct BlackHole {
  BlackHole() {
    fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = test::address_of(0);
    socklen_t size = sizeof address;
    ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size);
    ::listen(fd, 0);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    fillers.push_back(connect_to(port));
  }
  ~BlackHole() { ::close(fd); }
  int fd = -1;
  std::uint16_t port = 0;
  std::vector<Socket> fillers;
};

TEST_CASE("an upstream that swallows packets stalls neither calls nor other connections") {
  BlackHole hole;
  Server b(named("b"));
  auto table = make_table();
  auto spec = spec_to({{"hole", cat(std::string(kHost), ":", hole.port)}, {"b", b.address()}});
  REQUIRE(table->open(spec));
  const auto port = table->port("database").value();
  Socket waiting = connect_to(port);
  REQUIRE(waiting);
  CHECK_FALSE(waiting.has_input(100));  // still dialling
  CHECK(table->links().at(0).connections == 1);
  // It had sent nothing to the old upstream, so a reroute helps it too.
  REQUIRE(table->reroute("database", "b", LinkTable::Established::kDrain));
  CHECK(waiting.receive_exactly(1) == "b");
}

TEST_CASE("a dial that takes too long resets the client") {
  BlackHole hole;
  auto table = make_table();
  auto spec = spec_to({{"hole", cat(std::string(kHost), ":", hole.port)}});
  spec.connect_timeout = 50ms;
  REQUIRE(table->open(spec));
  Socket client = connect_to(table->port("database").value());
  CHECK(client.receive() == kResetByPeer);
  CHECK(table->links().at(0).connect_failed == 1);
}

TEST_CASE("a hundred connections at once are all carried, and leave nothing behind") {
  Server server(echo);
  auto table = make_table();
  const auto port = open_link(*table, {{"a", server.address()}});
  {
    std::vector<Socket> clients;
    for (int i = 0; i < 100; ++i) {
      clients.push_back(connect_to(port));
      REQUIRE(clients.back());
      clients.back().send("hello " + std::to_string(i));
    }
    for (int i = 0; i < 100; ++i) {
      const std::string expected = "hello " + std::to_string(i);
      CHECK(clients[static_cast<std::size_t>(i)].receive_exactly(expected.size()) == expected);
    }
    CHECK(table->links().at(0).connections == 100);
  }
  while (table->links().at(0).connections != 0) std::this_thread::yield();
  SUCCEED("every connection ended");
}

TEST_CASE("a link that is closed gives its port back and resets its connections") {
  Server server(named("a"));
  auto table = make_table();
  const auto port = open_link(*table, {{"a", server.address()}});
  Socket client = connect_to(port);
  REQUIRE(client.receive_exactly(1) == "a");
  REQUIRE(table->close("database"));
  REQUIRE(table->close("database"));
  CHECK(client.receive() == kResetByPeer);
  auto spec = spec_to({{"a", server.address()}});
  spec.listen = cat(std::string(kHost), ":", port);
  CHECK(table->open(spec));
  spec.name = "other";
  CHECK(table->open(spec).error().code == ErrorCode::kConflict);
}

TEST_CASE("the API's object shows the link as it is") {
  auto table = make_table();
  const auto port = open_link(*table, {{"a", "127.0.0.1:1"}});
  REQUIRE(table->add_toxic("database", "f1", delay(500ms)));
  const nlohmann::json json = to_json(table->links().at(0));
  CHECK(json.at("listen") == cat(std::string(kHost), ":", port));
  CHECK(json.at("upstream") == "a");
  CHECK(json.at("down") == false);
  CHECK(json.at("toxics").at(0).dump() ==
        R"({"delay_us":500000,"direction":"both","id":"f1","jitter_us":0,"type":"delay"})");
}

}  // namespace
}  // namespace panshi::agent
