// SPDX-License-Identifier: Apache-2.0
// Promise: a link that knows who runs its upstreams leads nobody to somebody else who took the port
// of one; a client there would be somebody's session.
#include <unistd.h>

#include "tests/integration/agents/links/link_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/hostile_user.h"
#include "tests/support/loopback_listener.h"
#include "tests/support/skip.h"

namespace panshi::agent {
namespace {

constexpr uid_t kNobody = 65'534;

TEST_CASE("nobody is led to an upstream's port that another account took") {
  if (::geteuid() != 0) skip_case("only root can run a process of another account");
  const std::uint16_t port = LoopbackListener().port;
  const HostileUser squatter({.address = "127.0.0.1", .ports = {port}, .secret_mark = "hello"});
  auto table = make_table();
  LinkSpec spec = spec_to({{"a", cat("127.0.0.1:", port)}});
  spec.upstream_account = 1;
  REQUIRE(table->open(spec));
  const auto say_hello = [&] {
    Socket client = connect_to(table->port("database").value());
    (void)client.send("hello");
    (void)client.receive();
  };
  CHECK(eventually([&] {
    say_hello();
    return squatter.did().callers > 0;
  }));
  CHECK(squatter.did().secrets == 0);
  CHECK(table->links().at(0).connect_failed > 0);

  table = make_table();
  spec.upstream_account = kNobody;
  REQUIRE(table->open(spec));
  CHECK(eventually([&] {
    say_hello();
    return squatter.did().secrets > 0;
  }));
}

TEST_CASE("an upstream of ours is led to as ever") {
  Server ours(named("ours"));
  auto table = make_table();
  LinkSpec spec = spec_to({{"a", ours.address()}});
  spec.upstream_account = 1;
  REQUIRE(table->open(spec));
  for (int i = 0; i < 20; ++i) {
    CHECK(connect_to(table->port("database").value()).receive() == "ours");
  }
}

}  // namespace
}  // namespace panshi::agent
