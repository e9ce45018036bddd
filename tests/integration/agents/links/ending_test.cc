// SPDX-License-Identifier: Apache-2.0
// The promises under test: who is gone is seen and freed, a link that is closed or led elsewhere
// ends its connections in order, and connections never take what the rest of the agent needs.
#include <algorithm>
#include <fstream>
#include <set>

#include "tests/integration/agents/links/link_fixture.h"
#include "tests/support/eventually.h"

namespace panshi::agent {
namespace {

const Toxic kHole{.kind = Toxic::Kind::kBlackHole};

Toxic one_way(Toxic toxic, Toxic::Direction direction) {
  toxic.direction = direction;
  return toxic;
}

bool is_empty(const LinkTable& table) {
  return eventually([&] { return table.links().at(0).connections == 0; });
}

TEST_CASE("clients that are gone behind a black hole are seen and freed, whatever its direction") {
  Server server(echo);
  auto table = make_table();
  const auto port = open_link(*table, {{"a", server.address()}});
  using Direction = Toxic::Direction;
  for (const Direction direction :
       {Direction::kBoth, Direction::kUpstream, Direction::kDownstream}) {
    REQUIRE(table->add_toxic("database", "hole", one_way(kHole, direction)));
    {
      std::vector<Socket> clients;
      for (int i = 0; i < 50; ++i) {
        clients.push_back(connect_to(port));
        clients.back().send("lost");
        const linger now{.l_onoff = i % 2, .l_linger = 0};  // every other one goes with a reset
        ::setsockopt(clients.back().fd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
      }
    }
    CHECK(is_empty(*table));
    CHECK(table->toxic_report("database", "hole")->touched >= 50);
    REQUIRE(table->remove_toxic("database", "hole"));
  }
}

TEST_CASE("a server that closes behind a black hole: the client gets its end at once") {
  Server server([](Socket& socket) { (void)socket.send("swallowed"); });
  auto table = make_table();
  const auto port = open_link(*table, {{"a", server.address()}});
  REQUIRE(table->add_toxic("database", "hole", kHole));
  Socket client = connect_to(port);
  CHECK(client.receive().empty());
}

TEST_CASE("clients that reset where the bandwidth is zero are freed") {
  Server server(echo);
  auto table = make_table();
  const auto port = open_link(*table, {{"a", server.address()}});
  REQUIRE(table->add_toxic("database", "none", {.kind = Toxic::Kind::kBandwidth, .rate = 0}));
  {
    Socket client = connect_to(port);
    client.send("held");
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  CHECK(is_empty(*table));
}

std::string all_of(const Socket& socket) {
  std::string all;
  for (std::string part = socket.receive(); !part.empty(); part = socket.receive()) {
    all += part.starts_with("error ") ? "(" + part + ")" : part;
    if (part.starts_with("error ")) break;
  }
  return all;
}

// The server has answered; a delay holds the answer.
struct Held {
  Held() {
    port = open_link(*table, {{"a", server.address()}, {"b", server.address()}});
    REQUIRE(
        table->add_toxic("database", "slow", one_way(delay(1h), Toxic::Direction::kDownstream)));
    client = connect_to(port);
    client.send("held");
    REQUIRE(eventually([&] { return table->links().at(0).bytes_upstream == 4; }));
    REQUIRE(eventually([&] { return echoed.load(); }));
  }
  std::atomic<bool> echoed = false;
  Server server{[this](Socket& socket) {
    const std::string text = socket.receive();
    if (!socket.send(text)) return;
    echoed = true;
    echo(socket);
  }};
  std::unique_ptr<LinkTable> table = make_table();
  std::uint16_t port = 0;
  Socket client;
};

TEST_CASE("down, suspend, close and other upstreams deliver what is held, then the end") {
  for (int way = 0; way < 4; ++way) {
    Held held;
    if (way == 0) REQUIRE(held.table->add_toxic("database", "down", kDown));
    if (way == 1) REQUIRE(held.table->suspend("database"));
    if (way == 2) REQUIRE(held.table->close("database"));
    if (way == 3) REQUIRE(held.table->lead_to(spec_to({{"c", held.server.address()}})));
    CHECK(all_of(held.client) == "held");
  }
}

TEST_CASE("what a fault put on a link outlives its suspension, and keeps it from being closed") {
  Server server(echo);
  auto table = make_table();
  const auto port = open_link(*table, {{"a", server.address()}});
  REQUIRE(table->add_toxic("database", "owner:t", delay(1ms)));
  REQUIRE(table->add_toxic("database", "f-1", kReset));
  REQUIRE(table->suspend("database"));
  int error = 0;
  CHECK_FALSE(connect_to(port, &error));
  CHECK(error == ECONNREFUSED);
  CHECK(table->close("database", "owner:").error().code == ErrorCode::kConflict);
  auto taken = LinkTable::reserve(cat(test::kHost, ":", port));
  REQUIRE(taken);
  REQUIRE(table->resume("database", *taken));
  CHECK(connect_to(port).receive() == kResetByPeer);
  REQUIRE(table->remove_toxic("database", "f-1"));
  REQUIRE(table->close("database", "owner:"));
}

// Two connections to a server that says "a"; three more are refused.
std::vector<Socket> two_and_no_more(std::uint16_t port) {
  std::vector<Socket> open;
  for (int i = 0; i < 2; ++i) open.push_back(connect_to(port));
  for (const Socket& each : open) REQUIRE(each.receive_exactly(1) == "a");
  for (int i = 0; i < 3; ++i) CHECK(connect_to(port).receive() == kResetByPeer);
  return open;
}

TEST_CASE("at the limit of a link new connections are refused, counted and told") {
  Server server(named("a"));
  std::vector<std::string> told;
  auto table = LinkTable::create({.on_full = [&](const LinkTable::Full& full) {
    told.push_back(cat(full.link, " ", full.connections, " of the ", full.limit_of));
  }});
  REQUIRE(table);
  LinkSpec spec = spec_to({{"a", server.address()}});
  spec.connections_max = 2;
  REQUIRE((*table)->open(spec));
  const auto port = (*table)->port("database").value();
  std::vector<Socket> open = two_and_no_more(port);
  CHECK((*table)->links().at(0).refused_full == 3);
  CHECK(told == std::vector<std::string>{"database 2 of the link"});
  open.pop_back();
  CHECK(eventually([&] { return connect_to(port).receive(1) == "a"; }));
}

TEST_CASE("one source that floods a link leaves it to the others") {
  Server server(named("a"));
  std::vector<std::string> told;
  auto table = LinkTable::create({.on_full = [&](const LinkTable::Full& full) {
    told.push_back(cat(full.link, " of the ", full.limit_of));
  }});
  REQUIRE(table);
  LinkSpec spec = spec_to({{"a", server.address()}});
  spec.connections_per_source = 2;
  REQUIRE((*table)->open(spec));
  const auto port = (*table)->port("database").value();
  std::vector<Socket> open = two_and_no_more(port);
  CHECK(test::connect_from("127.66.66.66", port).receive(1) == "a");
  CHECK(told == std::vector<std::string>{"database of the source"});
  open.pop_back();
  CHECK(eventually([&] { return connect_to(port).receive(1) == "a"; }));
}

TEST_CASE(
    "a source that floods a link leaves its last eighth to others, without a bound of its own") {
  Server server(named("a"));
  std::set<std::string> told;
  auto table = LinkTable::create(
      {.on_full = [&](const LinkTable::Full& full) { told.insert(full.limit_of); }});
  REQUIRE(table);
  LinkSpec spec = spec_to({{"a", server.address()}});
  spec.connections_max = 16;
  REQUIRE((*table)->open(spec));
  const auto port = (*table)->port("database").value();
  const auto carried_from = [&](const std::string& source, int count) {
    std::vector<Socket> clients;
    for (int i = 0; i < count; ++i) clients.push_back(test::connect_from(source.c_str(), port));
    std::erase_if(clients, [](const Socket& each) { return each.receive(1) != "a"; });
    return clients;
  };
  std::vector<Socket> flood = carried_from("127.0.0.1", 20);
  CHECK(flood.size() == 14);
  CHECK(told == std::set<std::string>{"source"});
  const std::vector<Socket> other = carried_from("127.66.66.66", 1);
  CHECK(other.size() == 1);
  CHECK(carried_from("127.0.0.1", 1).empty());
  flood.resize(5);  // and it may have more again
  CHECK(eventually([&] { return carried_from("127.0.0.1", 3).size() == 3; }));
}

TEST_CASE("a reserve of descriptors is left however many connections come to however many links") {
  Server server(named("a"));
  auto table = LinkTable::create({.descriptors_max = 64});
  REQUIRE(table);
  std::vector<std::uint16_t> ports;
  for (const char* name : {"one", "two"}) {
    LinkSpec spec = spec_to({{"a", server.address()}});
    spec.name = name;
    REQUIRE((*table)->open(spec));
    ports.push_back((*table)->port(name).value());
  }
  std::vector<Socket> clients;
  for (int i = 0; i < 60; ++i)
    clients.push_back(test::connect_from(cat("127.66.66.", i + 1).c_str(),
                                         ports[static_cast<std::size_t>(i % 2)]));
  int carried = 0;
  for (const Socket& each : clients) carried += each.receive(1) == "a" ? 1 : 0;
  CHECK(carried == 23);  // 48 descriptors of 64: two ports, two for each connection
  CHECK((*table)->links().at(0).refused_full + (*table)->links().at(1).refused_full == 37);
}

TEST_CASE("a link that is flooded leaves another one what it needs") {
  Server server(named("a"));
  auto table = LinkTable::create({.descriptors_max = 64});
  REQUIRE(table);
  std::vector<std::uint16_t> ports;
  for (const char* name : {"flooded", "other"}) {
    LinkSpec spec = spec_to({{"a", server.address()}});
    spec.name = name;
    REQUIRE((*table)->open(spec));
    ports.push_back((*table)->port(name).value());
  }
  const auto carried = [](const std::vector<Socket>& clients) {
    return std::count_if(clients.begin(), clients.end(),
                         [](const Socket& each) { return each.receive(1) == "a"; });
  };
  std::vector<Socket> flood;
  for (int i = 0; i < 40; ++i) flood.push_back(connect_to(ports[0]));
  CHECK(carried(flood) == 11);  // of 24: half, and of that the last eighth is for other sources
  std::vector<Socket> others;
  for (int i = 0; i < 10; ++i) others.push_back(connect_to(ports[1]));
  CHECK(carried(others) == 10);
}

TEST_CASE("a delay keeps under way what comes meanwhile, and a reader that stops still stops it") {
  Server server([](Socket& socket) {
    char byte = 0;
    ::recv(socket.fd(), &byte, 1, MSG_PEEK);
    pollfd wait{.fd = socket.fd(), .events = POLLRDHUP, .revents = 0};
    ::poll(&wait, 1, 10'000);
  });
  auto table = make_table();
  Socket client = connect_to(open_link(*table, {{"a", server.address()}}));
  REQUIRE(table->add_toxic("database", "slow", delay(1h)));
  const std::string block(1 << 20, 'x');
  for (int i = 0; i < 32; ++i) REQUIRE(client.send(block));  // far more than any window
  REQUIRE(table->remove_toxic("database", "slow"));
  const timeval short_time{.tv_sec = 0, .tv_usec = 300'000};
  ::setsockopt(client.fd(), SOL_SOCKET, SO_SNDTIMEO, &short_time, sizeof short_time);
  int more = 0;
  while (more < 200 && client.send(block)) ++more;
  CHECK(more < 64);
}

TEST_CASE("what all delays of a link have under way is bounded") {
  Server server(echo);
  auto table = make_table();
  const auto port = open_link(*table, {{"a", server.address()}});
  REQUIRE(table->add_toxic("database", "slow", delay(1h)));
  const std::string block(1 << 20, 'x');
  std::size_t taken = 0;
  std::vector<Socket> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(connect_to(port));
    const timeval short_time{.tv_sec = 0, .tv_usec = 200'000};
    ::setsockopt(clients.back().fd(), SOL_SOCKET, SO_SNDTIMEO, &short_time, sizeof short_time);
    for (int n = 0; n < 100 && clients.back().send(block); ++n) taken += block.size();
  }
  CHECK(taken >= LinkTable::kHeldLinkMax / 2);
  CHECK(taken <= LinkTable::kHeldLinkMax + (40 << 20));  // and what the kernel keeps of each
  // Of what nobody reads the kernel keeps far less than another source may have under way.
  const Socket other = test::connect_from("127.66.66.66", port);
  const timeval short_time{.tv_sec = 0, .tv_usec = 200'000};
  ::setsockopt(other.fd(), SOL_SOCKET, SO_SNDTIMEO, &short_time, sizeof short_time);
  const std::string piece(64 << 10, 'x');
  std::size_t of_other = 0;
  while (of_other < (6 << 20) && other.send(piece)) of_other += piece.size();
  CHECK(of_other >= (6 << 20));
}

}  // namespace
}  // namespace panshi::agent
