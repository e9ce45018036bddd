// SPDX-License-Identifier: Apache-2.0
// The promises under test: toxics act at once, also on established connections and on what they
// hold; one that is removed leaves connections whole or ends them, and never blocks the caller.
#include <algorithm>

#include "tests/integration/agents/links/link_fixture.h"

namespace panshi::agent {
namespace {

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
      Toxic toxic = delay(by, by);
      if (i % 3 == 1) toxic = {.kind = Toxic::Kind::kSlicer, .bytes = 5000, .variation = 4000};
      if (i % 3 == 2) toxic = {.kind = Toxic::Kind::kBandwidth, .rate = 200'000'000};
      (void)table->add_toxic("database", id, toxic);
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
  const auto account = table->toxic_report("database", "slow");
  REQUIRE(account);
  CHECK(account->chunks == 300);
  CHECK(account->mean >= 3ms);
  CHECK(account->max >= 6ms);
}

TEST_CASE("a black hole swallows bytes both ways and, when removed, closes what it touched") {
  Server server(named("a"));
  auto table = make_table();
  const auto port = open_link(*table, {{"a", server.address()}});
  Socket before = connect_to(port);
  REQUIRE(before.receive_exactly(1) == "a");
  REQUIRE(table->add_toxic("database", "f1", {.kind = Toxic::Kind::kBlackHole}));
  before.send("lost");
  CHECK_FALSE(before.has_input(100));
  Socket during = connect_to(port);  // accepted, and then nothing
  REQUIRE(during);
  CHECK_FALSE(during.has_input(100));
  REQUIRE(table->remove_toxic("database", "f1"));
  CHECK(before.receive().empty());
  CHECK(during.receive().empty());
  CHECK(connect_to(port).receive_exactly(1) == "a");
}

TEST_CASE("a limit passes its bytes and closes, a reset_peer sends RST also to what was there") {
  Server server(echo);
  auto table = make_table();
  const auto port = open_link(*table, {{"a", server.address()}});
  Socket client = connect_to(port);
  const Toxic limit{
      .kind = Toxic::Kind::kLimit, .direction = Toxic::Direction::kDownstream, .bytes = 4};
  REQUIRE(table->add_toxic("database", "f1", limit));
  client.send("abcdef");
  CHECK(client.receive_exactly(6) == "abcd");
  REQUIRE(table->remove_toxic("database", "f1"));
  Socket other = connect_to(port);
  other.send("x");
  REQUIRE(other.receive_exactly(1) == "x");
  REQUIRE(table->add_toxic("database", "f2", {.kind = Toxic::Kind::kResetPeer}));
  other.send("y");
  CHECK(other.receive() == kResetByPeer);
}

TEST_CASE("a share of new connections is refused, the others and the established ones are not") {
  Server server(named("a"));
  auto table = make_table();
  const auto port = open_link(*table, {{"a", server.address()}});
  Socket before = connect_to(port);
  REQUIRE(before.receive_exactly(1) == "a");
  REQUIRE(table->add_toxic("database", "f1", {.kind = Toxic::Kind::kRefuse, .toxicity = 0.5}));
  int refused = 0;
  for (int i = 0; i < 60; ++i) {
    const std::string got = connect_to(port).receive(1);
    CHECK((got == "a" || got == kResetByPeer));
    refused += got == kResetByPeer ? 1 : 0;
  }
  CHECK((refused > 10 && refused < 50));
  before.send("x");
  CHECK(before.receive_exactly(1) == "x");
  const auto report = table->toxic_report("database", "f1");
  REQUIRE(report);
  CHECK(report->connections == 60);
  CHECK(report->ended == refused);
}

TEST_CASE("a toxic that is changed takes hold at once on what is established and held") {
  Server server(echo);
  auto table = make_table();
  const auto port = open_link(*table, {{"a", server.address()}});
  Socket client = connect_to(port);
  Toxic narrow{.kind = Toxic::Kind::kBandwidth, .rate = 0};
  REQUIRE(table->add_toxic("database", "f1", narrow));
  client.send("held");
  CHECK_FALSE(client.has_input(100));
  narrow.rate = 1'000'000;
  REQUIRE(table->change_toxic("database", "f1", narrow));
  CHECK(client.receive_exactly(4) == "held");
  CHECK_FALSE(table->change_toxic("database", "f1", kDown));
  CHECK_FALSE(table->change_toxic("database", "f2", narrow));
}

TEST_CASE("calls are answered at once while traffic flows through every toxic") {
  Server server(echo);
  auto table = make_table();
  Socket client = connect_to(open_link(*table, {{"a", server.address()}}));
  std::thread sender([&] {
    client.send(pattern(8 << 20));
    client.finish_sending();
  });
  std::thread reader([&] {
    for (std::string got = client.receive(); !got.empty() && !got.starts_with("error ");) {
      got = client.receive();
    }
  });
  for (const Toxic::Kind kind :
       {Toxic::Kind::kDelay, Toxic::Kind::kBandwidth, Toxic::Kind::kSlicer, Toxic::Kind::kSlowClose,
        Toxic::Kind::kNothing, Toxic::Kind::kResetPeer, Toxic::Kind::kBlackHole}) {
    const Toxic toxic{.kind = kind, .delay = 60s, .rate = 1, .bytes = 1};
    REQUIRE(table->add_toxic("database", to_text(kind), toxic));
    REQUIRE(table->remove_toxic("database", to_text(kind)));
  }
  sender.join();
  reader.join();
  CHECK(table->links().at(0).toxics.empty());
}

}  // namespace
}  // namespace panshi::agent
