// SPDX-License-Identifier: Apache-2.0
// The promises under test: nobody waits for a resolver but the connection that needs the name; all
// addresses of both families are tried in order; a name that leads elsewhere is followed.
#include "agents/links/names.h"

#include <condition_variable>
#include <map>

#include "tests/integration/agents/links/link_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/skip.h"

namespace panshi::agent {
namespace {

// A resolver of the test's own, which can be changed and made silent.
class FakeResolver {
 public:
  Names::Resolve resolve() {
    return [state = state_](const std::string& host) -> Result<Names::Addresses> {
      std::unique_lock lock(state->mutex);
      ++state->asked;
      state->changed.notify_all();
      state->changed.wait(lock, [&] { return !state->silent; });
      const auto found = state->hosts.find(host);
      if (found == state->hosts.end()) return fail(ErrorCode::kUnavailable, "no such host");
      Names::Addresses addresses;
      for (const std::string& text : found->second)
        addresses.push_back(*parse_address(text + ":0"));
      return addresses;
    };
  }
  ~FakeResolver() { be_silent(false); }
  void set(const std::string& host, std::vector<std::string> addresses) {
    const std::lock_guard lock(state_->mutex);
    state_->hosts[host] = std::move(addresses);
  }
  void be_silent(bool silent) {
    const std::lock_guard lock(state_->mutex);
    state_->silent = silent;
    state_->changed.notify_all();
  }
  int asked() const {
    const std::lock_guard lock(state_->mutex);
    return state_->asked;
  }

 private:
  struct State {  // outlives the test: threads may still be in it
    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::string, std::vector<std::string>> hosts;
    bool silent = false;
    int asked = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

struct Named {
  explicit Named(const std::string& upstream) {
    auto created = LinkTable::create({.resolve = resolver.resolve()});
    table = std::move(*created);
    port = open_link(*table, {{"a", upstream}});
  }
  FakeResolver resolver;
  std::unique_ptr<LinkTable> table;
  std::uint16_t port = 0;
};

TEST_CASE("all addresses of a name are tried in order, of both families") {
  Server server(named("a"));
  Named link(cat("db.test:", server.port()));
  link.resolver.set("db.test", {"127.103.0.77", "[::1]", test::kHost});  // nobody listens on two
  CHECK(connect_to(link.port).receive_exactly(1) == "a");
  CHECK(link.table->links().at(0).connect_failed == 0);
}

TEST_CASE("a name that is not known is an upstream that cannot be reached") {
  Named link("db.test:80");
  CHECK(connect_to(link.port).receive() == kResetByPeer);
  CHECK(link.table->links().at(0).connect_failed == 1);
}

TEST_CASE("a silent resolver holds up nobody but who needs the name, and no call") {
  Server server(named("a"));
  Named link(cat("db.test:", server.port()));
  link.resolver.be_silent(true);
  Socket waiting = connect_to(link.port);
  REQUIRE(eventually([&] { return link.resolver.asked() == 1; }));
  auto other = spec_to({{"a", server.address()}});
  other.name = "other";
  REQUIRE(link.table->open(other));
  CHECK(connect_to(*link.table->port("other")).receive_exactly(1) == "a");
  CHECK(link.table->links().at(0).connections == 1);
  CHECK(link.table->look_up("other.test", 1ms).error().code == ErrorCode::kTimeout);
  link.resolver.set("db.test", {test::kHost});
  link.resolver.be_silent(false);
  CHECK(waiting.receive_exactly(1) == "a");
}

TEST_CASE("a name that leads elsewhere is followed, and served as it was while nobody answers") {
  Server a(named("a"));
  Named link(cat("db.test:", a.port()));
  link.resolver.set("db.test", {test::kHost});
  REQUIRE(connect_to(link.port).receive_exactly(1) == "a");
  link.resolver.set("db.test", {"127.103.0.77"});  // nobody there
  CHECK(eventually([&] { return connect_to(link.port).receive() == kResetByPeer; }));
  link.resolver.set("db.test", {test::kHost});
  CHECK(eventually([&] { return connect_to(link.port).receive(1) == "a"; }));
  const int asked = link.resolver.asked();
  link.resolver.be_silent(true);
  // The lookup of this or a later one is not answered; what was known serves.
  CHECK(eventually(
      [&] { return connect_to(link.port).receive(1) == "a" && link.resolver.asked() > asked; }));
}

TEST_CASE("localhost and a port alone are this machine, by whichever family it listens") {
  const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  socklen_t size = sizeof address;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    ::close(fd);
    skip_case("this machine has no ::1");
  }
  ::listen(fd, 16);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  const auto port = ntohs(address.sin6_port);
  for (const std::string host : {"localhost", "", "[::1]"}) {
    Named link(cat(host, ":", port));
    Socket client = connect_to(link.port);
    Socket served(::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(served.send("v6"));
    CHECK(client.receive_exactly(2) == "v6");
    CHECK(link.resolver.asked() == 0);
  }
  ::close(fd);
}

TEST_CASE("addresses are read as they are written, and mistakes are told apart") {
  CHECK(parse_named_address("db:3306")->host == "db");
  CHECK(parse_named_address(":3306")->port == 3306);
  CHECK(parse_named_address("[::1]:80")->host == "::1");
  CHECK(parse_named_address("db").error().message == "address db: missing port in address");
  CHECK(parse_named_address("db:99999").error().message == "address 99999: invalid port");
  CHECK(parse_named_address("::1:80").error().message ==
        "address ::1:80: too many colons in address");
}

}  // namespace
}  // namespace panshi::agent
