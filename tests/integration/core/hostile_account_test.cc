// SPDX-License-Identifier: Apache-2.0
// The promise under test: an account without rights that takes the port of a server of ours is not
// told the server's password, unless the configuration names the account.
#include <unistd.h>

#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "core/io/mariadb.h"
#include "core/io/nats_requests.h"
#include "core/io/redis.h"
#include "tests/support/eventually.h"
#include "tests/support/hostile_user.h"
#include "tests/support/loopback_listener.h"
#include "tests/support/mariadb_greeting.h"
#include "tests/support/skip.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;

constexpr uid_t kNobody = 65'534;
constexpr const char* kRefusal =
    "no password was sent: port ";  // … of 127.0.0.1 is held by the account …

std::uint16_t free_port() { return LoopbackListener().port; }

TEST_CASE("the password of Redis is not told to another account that took its port") {
  if (::geteuid() != 0) skip_case("only root can run a process of another account");
  const std::uint16_t port = free_port();
  const HostileUser squatter({.address = "127.0.0.1", .ports = {port}, .secret_mark = "AUTH"});
  Redis::Options options{.host = "127.0.0.1",
                         .port = port,
                         .password = "secret",
                         .rules = PasswordRules(),
                         .command_timeout = 200ms};
  std::string said;
  REQUIRE(eventually([&] {
    const auto redis = Redis::connect(options);
    REQUIRE_FALSE(redis);
    said = redis.error().message;
    return said.find(kRefusal) != std::string::npos;
  }));
  CHECK_THAT(said, Catch::Contains("is held by the account nobody") &&
                       Catch::Contains("write `account: nobody` next to the password"));
  CHECK(eventually([&] { return squatter.did().callers > 0; }));
  CHECK(squatter.did().secrets == 0);
  options.rules->accounts = {kNobody};
  CHECK(eventually([&] {
    (void)Redis::connect(options);
    return squatter.did().secrets > 0;
  }));
}

TEST_CASE("the password of NATS is not told to another account that took its port") {
  if (::geteuid() != 0) skip_case("only root can run a process of another account");
  const std::uint16_t port = free_port();
  const HostileUser squatter({.address = "127.0.0.1",
                              .ports = {port},
                              .greeting = "INFO {\"max_payload\":1048576}\r\n",
                              .secret_mark = "CONNECT"});
  NatsRequests::Options options{.url = cat("nats://127.0.0.1:", port),
                                .user = "chaos",
                                .password = "secret",
                                .rules = PasswordRules(),
                                .timeout = 200ms};
  REQUIRE(eventually([&] {
    const auto nats = NatsRequests::connect(options);
    REQUIRE_FALSE(nats);
    return nats.error().message.find(kRefusal) != std::string::npos;
  }));
  CHECK(eventually([&] { return squatter.did().callers > 0; }));
  CHECK(squatter.did().secrets == 0);
  options.rules->accounts = {kNobody};
  CHECK(eventually([&] {
    (void)NatsRequests::connect(options);
    return squatter.did().secrets > 0;
  }));
}

// A challenge can be passed on: an answer to it is a session at the real server.
TEST_CASE("nobody logs in at another account that took the port of MariaDB") {
  if (::geteuid() != 0) skip_case("only root can run a process of another account");
  const std::uint16_t port = free_port();
  const HostileUser squatter({.address = "127.0.0.1",
                              .ports = {port},
                              .greeting = mariadb_packet(0, mariadb_greeting()),
                              .secret_mark = "chaos"});
  MariaDb::Options options{.host = "127.0.0.1",
                           .port = port,
                           .user = "chaos",
                           .password = "secret",
                           .connect_timeout = 200ms,
                           .rules = PasswordRules()};
  REQUIRE(eventually([&] {
    const auto database = MariaDb::connect(options);
    REQUIRE_FALSE(database);
    return database.error().code == ErrorCode::kRefused &&
           database.error().message.find(kRefusal) != std::string::npos;
  }));
  CHECK(eventually([&] { return squatter.did().callers > 0; }));
  CHECK(squatter.did().secrets == 0);
  options.rules->accounts = {kNobody};
  CHECK(eventually([&] {
    (void)MariaDb::connect(options);
    return squatter.did().secrets > 0;
  }));
}

}  // namespace
}  // namespace panshi
