// SPDX-License-Identifier: Apache-2.0
// Promise: over real sockets, new connections go where the choice says from one moment to the next,
// and those of a drained upstream live on until its bound.
#include <map>

#include "tests/integration/agents/links/link_fixture.h"
#include "tests/support/eventually.h"

namespace panshi::agent {
namespace {

std::string greeting(std::uint16_t port) { return connect_to(port).receive(); }

UpstreamState upstream(const LinkTable& table, const std::string& name) {
  const auto links = table.links();
  for (const UpstreamState& each : links.at(0).upstreams) {
    if (each.name == name) return each;
  }
  throw std::runtime_error("no upstream " + name);
}

TEST_CASE("a sick upstream is left and gone back to, and what moved is told") {
  Server a(named("a"));
  Server b(named("b"));
  std::vector<std::string> told;  // written before links() answers, by the same thread
  auto table = LinkTable::create({.on_moved = [&](const LinkTable::Moved& moved) {
    told.push_back(moved.link + " " + moved.way.from + " " + moved.way.to + " " + moved.why);
  }});
  REQUIRE(table);
  LinkSpec spec = spec_to({{"a", a.address()}, {"b", b.address()}});
  spec.failback = Failback::kAtOnce;
  REQUIRE((*table)->open(spec));
  const std::uint16_t port = (*table)->port("database").value();
  Socket old = connect_to(port);
  CHECK(old.receive() == "a");

  REQUIRE((*table)->set_health("database", "a", false));
  CHECK(greeting(port) == "b");
  CHECK(upstream(**table, "a").health == "down");
  CHECK((*table)->links().at(0).upstream == "b");
  CHECK(old.send("x"));
  CHECK(old.receive() == "x");  // what is established goes on
  REQUIRE((*table)->set_health("database", "a", true));
  CHECK(greeting(port) == "a");
  CHECK((*table)->links().size() == 1);
  CHECK(told == std::vector<std::string>{"database a b failover", "database b a failback"});
}

TEST_CASE(
    "connections to a sick upstream are reset when the link says so, and another is healthy") {
  Server a(named("a"));
  Server b(named("b"));
  auto table = make_table();
  LinkSpec spec = spec_to({{"a", a.address()}, {"b", b.address()}});
  REQUIRE(table->open(spec));
  const std::uint16_t port = table->port("database").value();
  Socket old = connect_to(port);
  REQUIRE(old.receive() == "a");
  constexpr auto kReset = LinkTable::Established::kReset;
  REQUIRE(table->set_health("database", "b", false, kReset));
  CHECK(old.send("x"));
  CHECK(old.receive() == "x");  // it is not the sick one's
  REQUIRE(table->set_health("database", "a", false, kReset));
  CHECK(old.send("y"));
  CHECK(old.receive() == "y");  // nobody is healthy: the checks are not believed
  REQUIRE(table->set_health("database", "b", true, kReset));
  REQUIRE(table->set_health("database", "a", true, kReset));
  REQUIRE(table->set_health("database", "a", false, kReset));
  CHECK(upstream(*table, "a").connections == 0);
  CHECK(greeting(port) == "b");
}

TEST_CASE("the way back is taken by itself when its time has come") {
  Server a(named("a"));
  Server b(named("b"));
  auto table = make_table();
  LinkSpec spec = spec_to({{"a", a.address()}, {"b", b.address()}});
  spec.failback = Failback::kHeld;
  spec.failback_hold = 20ms;
  REQUIRE(table->open(spec));
  REQUIRE(table->set_health("database", "a", false));
  REQUIRE(table->set_health("database", "a", true));
  CHECK(eventually([&] { return table->links().at(0).upstream == "a"; }));
}

TEST_CASE("a drained upstream keeps its connections until the bound, and gets no new ones") {
  Server a(named("a"));
  Server b(named("b"));
  auto table = make_table();
  const std::uint16_t port = open_link(*table, {{"a", a.address()}, {"b", b.address()}});
  Socket old = connect_to(port);
  CHECK(old.receive() == "a");
  REQUIRE(table->drain("database", "a", 1h));
  CHECK(greeting(port) == "b");
  CHECK(old.send("x"));
  CHECK(old.receive() == "x");
  CHECK(upstream(*table, "a").drained);
  CHECK(upstream(*table, "a").connections == 1);
  REQUIRE(table->drain("database", "a", 0ms));
  CHECK(old.receive().starts_with("error "));  // reset
  REQUIRE(table->drain("database", "b", 1h));
  CHECK(greeting(port).starts_with("error "));  // nobody is left
  REQUIRE(table->undrain("database", "b"));
  CHECK(greeting(port) == "b");
  REQUIRE(table->reroute("database", "a", LinkTable::Established::kDrain));
  CHECK(greeting(port) == "a");
  CHECK_FALSE(upstream(*table, "a").drained);
}

TEST_CASE("connections are drawn by weight, and by a reroute to one") {
  Server a(named("a"));
  Server b(named("b"));
  auto table = make_table();
  LinkSpec spec = spec_to({{"a", a.address(), 3}, {"b", b.address(), 1}});
  spec.by_weight = true;
  REQUIRE(table->open(spec));
  const std::uint16_t port = table->port("database").value();
  std::map<std::string, int> seen;
  for (int i = 0; i < 80; ++i) ++seen[greeting(port)];
  CHECK(seen["a"] > seen["b"]);  // 58 to 22 with the seed of the link
  CHECK(seen["b"] > 0);
  CHECK(table->links().at(0).upstream == "by weight");
  REQUIRE(table->set_weights("database", {{"a", 0}}));
  CHECK(greeting(port) == "b");
  CHECK(table->set_weights("database", {{"b", 0}}).error().code == ErrorCode::kInvalid);
  CHECK(table->set_weights("database", {{"c", 1}}).error().code == ErrorCode::kNotFound);
  REQUIRE(table->reroute("database", "a", LinkTable::Established::kReset));
  CHECK(greeting(port) == "a");
}

}  // namespace
}  // namespace panshi::agent
