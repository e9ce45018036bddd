// SPDX-License-Identifier: Apache-2.0
// The promises under test: bytes are never lost, doubled or reordered in a connection that lives;
// reroutes act at once, also on what is established; a dead upstream stalls nobody.
#include <fcntl.h>

#include <algorithm>
#include <numeric>

#include "tests/integration/agents/links/link_fixture.h"

namespace panshi::agent {
namespace {

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
        "link `database`: no upstream `mariadb-c` (did you mean `mariadb-a`?); there are: "
        "mariadb-a, mariadb-b");
  CHECK(table->add_toxic("databse", "t", kDown).error().message ==
        "no link `databse` (did you mean `database`?); there are: database");
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

TEST_CASE("a link that is closed gives its port back and ends its connections in order") {
  Server server(named("a"));
  auto table = make_table();
  const auto port = open_link(*table, {{"a", server.address()}});
  Socket client = connect_to(port);
  REQUIRE(client.receive_exactly(1) == "a");
  REQUIRE(table->close("database"));
  REQUIRE(table->close("database"));
  CHECK(client.receive().empty());
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
        R"({"delay_us":500000,"direction":"both","id":"f1","jitter_us":0,)"
        R"("toxicity":1.0,"type":"delay"})");
}

}  // namespace
}  // namespace panshi::agent
