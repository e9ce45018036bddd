// SPDX-License-Identifier: Apache-2.0
// Promise: the clients of the servers keep their deadlines against a frozen server, and say whether
// something may have been carried out.
#include <atomic>
#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "tests/support/shop_servers.h"

using namespace panshi;
using namespace std::chrono_literals;
using Server = ShopServers::Server;

TEST_CASE(
    "a MariaDB connection runs statements, tells duplicates, and gives up on a frozen server") {
  ShopServers servers({Server::kPrimary});
  auto database = MariaDb::connect(servers.root_account());
  REQUIRE(database);
  REQUIRE(database->script("CREATE DATABASE t; CREATE TABLE t.n (a BIGINT PRIMARY KEY, b TEXT)"));
  const std::string text = "卡密 \0 key" + std::string(5'000, 'x');
  REQUIRE(database->run("INSERT INTO t.n VALUES (?, ?), (?, ?)", {1, text, 2, nullptr}));
  const auto rows = database->run("SELECT a, b FROM t.n ORDER BY a");
  REQUIRE(rows);
  REQUIRE(rows->rows.size() == 2);
  CHECK(rows->columns == std::vector<std::string>{"a", "b"});
  CHECK(rows->rows[0][1] == text);
  CHECK_FALSE(rows->rows[1][1].has_value());
  CHECK(database->run("INSERT INTO t.n VALUES (?, ?)", {1, "again"}).error().code ==
        ErrorCode::kConflict);
  CHECK(database->run("SELECT ?", {1, 2}).error().code == ErrorCode::kInternal);
  CHECK(database->run("SELECT nonsense").error().code == ErrorCode::kInternal);
  CHECK(database->run("SELECT COUNT(*) FROM t.n")->rows[0][0] == "2");

  auto options = servers.root_account();
  options.statement_timeout = 300ms;
  options.connect_timeout = 300ms;
  auto hasty = MariaDb::connect(options);
  REQUIRE(hasty);
  servers.pause(Server::kPrimary);
  CHECK(hasty->run("SELECT COUNT(*) FROM t.n").error().code == ErrorCode::kUnavailable);
  CHECK(hasty->run("SELECT 1").error().code == ErrorCode::kUnavailable);
  CHECK(MariaDb::connect(options).error().code == ErrorCode::kUnavailable);
  servers.resume(Server::kPrimary);
}

TEST_CASE("a MariaDB connection that was cut while idle has surely not carried anything out") {
  ShopServers servers({Server::kPrimary});
  auto victim = MariaDb::connect(servers.root_account());
  auto other = MariaDb::connect(servers.root_account());
  REQUIRE(victim);
  REQUIRE(other->script(cat("KILL ", victim->thread_id())));
  Result<MariaDb::Answer> answer = victim->run("SELECT 1");
  for (int i = 0; i < 100 && answer; ++i) answer = victim->run("SELECT 1");
  CHECK(answer.error().code == ErrorCode::kUnavailable);
  auto wrong = servers.root_account();
  wrong.password = "wrong";
  CHECK(MariaDb::connect(wrong).error().code == ErrorCode::kRefused);
}

TEST_CASE("a Redis connection runs commands and scripts, and gives up on a frozen server") {
  ShopServers servers({Server::kRedis});
  auto options = servers.redis();
  options.command_timeout = 200ms;
  auto redis = Redis::connect(options);
  REQUIRE(redis);
  const std::string binary("a\0b", 3);
  REQUIRE(redis->run({"SET", "k", binary}));
  CHECK(redis->run({"GET", "k"})->text == binary);
  CHECK(redis->run({"GET", "none"})->kind == RedisReply::Kind::kNil);
  CHECK(redis->run({"HGET", "k", "f"}).error().code == ErrorCode::kRefused);
  const std::string script = "return {KEYS[1], ARGV[1], 7}";
  for (int round = 0; round < 2; ++round) {  // the second time after the server forgot the script
    const auto answer = redis->eval(script, {"key"}, {"argument"});
    REQUIRE(answer);
    CHECK(answer->list[1].text == "argument");
    CHECK(answer->list[2].integer == 7);
    REQUIRE(redis->run({"SCRIPT", "FLUSH"}));
  }
  servers.pause(Server::kRedis);
  CHECK(redis->run({"PING"}).error().code == ErrorCode::kTimeout);
  CHECK(redis->run({"PING"}).error().code == ErrorCode::kUnavailable);
  servers.resume(Server::kRedis);
}

TEST_CASE("what JetStream acknowledged survives kill -9 of the server, once for each message id") {
  ShopServers servers({Server::kNats});
  auto options = servers.nats();
  auto nats = Nats::connect(options);
  REQUIRE(nats);
  REQUIRE((*nats)->ensure_stream({.name = "S", .subjects = {"a", "b"}}));
  REQUIRE((*nats)->ensure_stream({.name = "S", .subjects = {"a", "b"}}));
  for (int i = 0; i < 5; ++i) REQUIRE((*nats)->publish("a", cat("body ", i), cat("id-", i)));
  REQUIRE((*nats)->publish("a", "body 0", "id-0"));
  REQUIRE((*nats)->publish("b", "other", "id-b"));
  servers.kill(Server::kNats);
  // Until the client has noticed, what happened to a message is not known; afterwards, it is.
  std::set<std::string> unknown;
  ErrorCode told = ErrorCode::kTimeout;
  for (int i = 0; i < 100 && told != ErrorCode::kUnavailable; ++i) {
    const Status sent = (*nats)->publish("a", cat("late ", i), cat("id-late-", i));
    REQUIRE_FALSE(sent);
    told = sent.error().code;
    if (told == ErrorCode::kTimeout) unknown.insert(cat("late ", i));
  }
  CHECK(told == ErrorCode::kUnavailable);
  servers.start(Server::kNats);
  std::multiset<std::string> bodies;
  Status read = fail(ErrorCode::kUnavailable, "");
  for (const MonoTime until = mono_now() + 20s; !read && mono_now() < until;) {
    bodies.clear();
    read = (*nats)->read_all("S", "a", [&](const NatsMessage& m) { bodies.insert(m.body); });
  }
  REQUIRE(read);
  for (const std::string& body : unknown) bodies.erase(body);
  CHECK(bodies == std::multiset<std::string>{"body 0", "body 1", "body 2", "body 3", "body 4"});
}

TEST_CASE("a consumer sees a message again until it acknowledges it") {
  ShopServers servers({Server::kNats});
  auto nats = Nats::connect(servers.nats());
  REQUIRE(nats);
  REQUIRE((*nats)->ensure_stream({.name = "S", .subjects = {"a"}}));
  REQUIRE((*nats)->publish("a", "one", "1"));
  std::vector<std::uint64_t> deliveries;
  const auto handle = [&](const std::vector<NatsMessage>& messages) -> std::vector<NatsVerdict> {
    REQUIRE(messages.size() == 1);
    deliveries.push_back(messages[0].delivered);
    if (messages[0].delivered == 3) return {{}};
    return {{.kind = NatsVerdict::Kind::kRetry, .retry_after = 10ms}};
  };
  Nats::Pull pull = {.stream = "S", .durable = "worker", .subject_filter = "a", .wait = 500ms};
  for (const MonoTime until = mono_now() + 20s; deliveries.size() < 3 && mono_now() < until;) {
    REQUIRE((*nats)->consume(pull, handle));
  }
  CHECK(deliveries == std::vector<std::uint64_t>{1, 2, 3});
  pull.wait = 100ms;
  CHECK((*nats)->consume(pull, handle).value() == 0);
  const auto counts = (*nats)->counts("S", "worker");
  REQUIRE(counts);
  CHECK(counts->pending == 0);
  CHECK(counts->unacknowledged == 0);
}

TEST_CASE("messages that wait come in one batch, and each is answered for itself") {
  ShopServers servers({Server::kNats});
  auto nats = Nats::connect(servers.nats());
  REQUIRE(nats);
  REQUIRE((*nats)->ensure_stream({.name = "S", .subjects = {"a"}}));
  std::vector<std::string> batch;
  const auto handle = [&](const std::vector<NatsMessage>& messages) {
    std::vector<NatsVerdict> verdicts(messages.size());
    batch.clear();
    for (const NatsMessage& message : messages) {
      if (message.body == "two" && message.delivered == 1) {
        verdicts[batch.size()] = {.kind = NatsVerdict::Kind::kRetry, .retry_after = 10ms};
      }
      batch.push_back(message.body);
    }
    return verdicts;
  };
  const Nats::Pull pull = {.stream = "S",
                           .durable = "w",
                           .subject_filter = "a",
                           .batch = 10,
                           .wait = 5s,
                           .linger = 100ms};
  REQUIRE((*nats)->publish("a", "one", "1"));
  REQUIRE((*nats)->publish("a", "two", "2"));
  REQUIRE((*nats)->publish("a", "three", "3"));
  CHECK((*nats)->consume(pull, handle).value() == 3);
  CHECK(batch == std::vector<std::string>{"one", "two", "three"});
  CHECK((*nats)->consume(pull, handle).value() == 1);
  CHECK(batch == std::vector<std::string>{"two"});
}

TEST_CASE("a batch waits for those that come one by one while it lingers") {
  ShopServers servers({Server::kNats});
  auto nats = Nats::connect(servers.nats());
  REQUIRE(nats);
  REQUIRE((*nats)->ensure_stream({.name = "S", .subjects = {"a"}}));
  REQUIRE((*nats)->publish("a", "one", "1"));
  // The next two come apart: what returned with the first that come would miss the third.
  std::atomic<int> published = 0;  // a check is for the test's own thread alone
  std::jthread later([&] {
    for (const char* each : {"two", "three"}) {
      std::this_thread::sleep_for(200ms);
      published += (*nats)->publish("a", each, each) ? 1 : 0;
    }
  });
  const Nats::Pull pull = {
      .stream = "S", .durable = "w", .subject_filter = "a", .batch = 10, .wait = 5s, .linger = 2s};
  CHECK((*nats)
            ->consume(pull,
                      [](const std::vector<NatsMessage>& messages) {
                        return std::vector<NatsVerdict>(messages.size());
                      })
            .value() == 3);
  later.join();
  CHECK(published == 2);
}

TEST_CASE("the replica has a row before the primary's commit returns") {
  ShopServers servers({Server::kPrimary, Server::kReplica});
  auto primary = MariaDb::connect(servers.root_account());
  auto replica = MariaDb::connect(servers.root_account(Server::kReplica));
  REQUIRE(primary);
  REQUIRE(replica);
  const auto semi_sync = [&] {
    return primary->run("SHOW STATUS LIKE 'Rpl_semi_sync_master_clients'")->rows[0][1];
  };
  for (const MonoTime until = mono_now() + 20s; semi_sync() != "1" && mono_now() < until;) {
  }
  REQUIRE(semi_sync() == "1");
  REQUIRE(primary->script("CREATE DATABASE t; CREATE TABLE t.n (a BIGINT PRIMARY KEY)"));
  for (std::int64_t i = 0; i < 20; ++i) REQUIRE(primary->run("INSERT INTO t.n VALUES (?)", {i}));
  const auto received = replica->run("SELECT @@gtid_slave_pos");
  REQUIRE(received);
  const auto status = primary->run("SHOW STATUS LIKE 'Rpl_semi_sync_master_no_tx'");
  REQUIRE(status);
  CHECK(status->rows[0][1] == "0");  // not one commit went ahead alone
}
