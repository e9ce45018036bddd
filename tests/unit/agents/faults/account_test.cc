// SPDX-License-Identifier: Apache-2.0
// Promise: what the account of an entry may not do is known before anything is touched, by the name
// that gives it, and nobody who may, or of whom nothing is known, is refused.
#include "agents/faults/account.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "agents/faults/queue/admin.h"
#include "agents/faults/redis/admin.h"
#include "agents/faults/redis/commands.h"
#include "core/base/text.h"
#include "tests/unit/agents/faults/fake_host.h"

namespace panshi::agent {
namespace {

using Names = std::vector<std::string>;

std::vector<const FaultKind*> kinds_of(std::string_view group) {
  std::vector<const FaultKind*> found;
  for (const FaultKind& kind : fault_kinds()) {
    if (std::string_view(kind.name).starts_with(group)) found.push_back(&kind);
  }
  REQUIRE(found.size() > 1);
  return found;
}

std::unique_ptr<Fault> make(const FaultKind& kind, FakeHost& host) {
  Problems problems;
  const auto request =
      read_request(kind, "f1", sample_target(kind.name), sample_params(kind.name, host), problems);
  REQUIRE(problems.empty());
  return kind.make(request, host);
}

// The commands that a kind names, as they are named when none of them may be run.
std::set<std::string> named_by(const FaultKind& kind) {
  FakeRedis server([](const std::string&) { return Status(); });
  server.denied = {"CLIENT KILL",   "CLIENT PAUSE", "CLIENT UNPAUSE", "CLUSTER FAILOVER",
                   "CLUSTER NODES", "CONFIG GET",   "CONFIG SET",     "DUMP",
                   "EVAL",          "INFO",         "PEXPIRE",        "PEXPIRETIME",
                   "PING",          "PTTL",         "PUBLISH",        "RESTORE",
                   "SCAN"};
  const Names wanted = commands_in(kind.needs);
  const Names missing = missing_commands(*server.open(), "chaos", wanted);
  CHECK(missing.size() == wanted.size());  // none is one that the server does not know
  return {missing.begin(), missing.end()};
}

TEST_CASE("what a kind works through is told before a drill as the agent asks for it") {
  const std::set<std::string> without_account = {"", "http", "directories", "load", "nats"};
  for (const FaultKind& kind : fault_kinds()) {
    INFO(kind.name);
    const std::string entry = split(kind.through, '.').front();
    if (kind.accounts) {
      CHECK(entry == kind.accounts->entry);
    } else {
      CHECK(without_account.contains(entry));
    }
    // The words for people name it, too.
    const std::string named = entry == "http" ? "protocol: http" : entry;
    if (!entry.empty()) CHECK(std::string_view(kind.needs).find(named) != std::string_view::npos);
    if (std::string_view(kind.needs).find("limits.directories") != std::string_view::npos) {
      CHECK(entry == "directories");
    }
  }
}

TEST_CASE("what a kind needs of an account is the list that ends its line") {
  CHECK(commands_in("an entry, whose account may run CONFIG GET,  PUBLISH to channel x") ==
        Names{"CONFIG GET", "PUBLISH to channel x"});
  CHECK(commands_in("an entry `redis` of the service").empty());
  CHECK(listed_in("root, nft", "privileges ").empty());
}

TEST_CASE("every kind in Redis names each command that it runs") {
  for (const FaultKind* kind : kinds_of("redis.")) {
    INFO(kind->name);
    FakeHost host;
    const auto fault = make(*kind, host);
    const auto resolved = fault->resolve();
    REQUIRE(resolved);
    REQUIRE(fault->apply(*resolved));
    (void)fault->measure(*resolved);
    REQUIRE(fault->revert(*resolved));
    std::set<std::string> used = host.redis.used();
    used.merge(host.redis_primary.used());
    CHECK_FALSE(used.empty());
    const std::set<std::string> named = named_by(*kind);
    for (const std::string& command : used) {
      INFO(command);
      CHECK(named.contains(command));
    }
  }
  const std::string paused = find_fault_kind("redis.pause-clients")->needs;
  CHECK(paused.ends_with(cat("PUBLISH to channel ", kProbeChannel)));
}

TEST_CASE("a command is asked about with as many arguments as it wants, and keys are not meant") {
  FakeRedis server([](const std::string&) { return Status(); });
  server.denied = {"CONFIG SET", "PING", "RESTORE", "channel panshi"};
  const auto session = server.open();
  const auto missing = [&](const Names& wanted) {
    return missing_commands(*session, "chaos", wanted);
  };
  CHECK(missing({"PING", "CONFIG GET", "CONFIG SET", "RESTORE", "DUMP", "EVAL", "CLUSTER NODES"}) ==
        Names{"PING", "CONFIG SET", "RESTORE"});
  CHECK(missing({"PUBLISH to channel panshi"}) == Names{"channel panshi"});
  CHECK(missing({"UNHEARD OF"}).empty());
  server.denied->insert("PUBLISH");
  CHECK(missing({"PUBLISH to channel panshi"}) == Names{"PUBLISH"});
  server.denied.reset();
  CHECK(missing({"PING"}).empty());
}

TEST_CASE("what is missing is written as ACL SETUSER takes it") {
  CHECK(acl_rule("CONFIG SET") == "+config|set");
  CHECK(acl_rule("RESTORE") == "+restore");
  CHECK(acl_rule("channel panshi") == "&panshi");
}

TEST_CASE("a fault whose account lacks a command is refused, and its kind is not possible") {
  FakeHost host;
  host.redis.denied = {"CONFIG SET", "CLUSTER NODES"};
  const std::string why =
      "account chaos of orders lacks CONFIG SET; ACL SETUSER chaos +config|set gives it that";
  const FaultKind& full = **find_kind("redis.memory-full");
  const auto refused = make(full, host)->resolve();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kRefused);
  CHECK(refused.error().message == why);
  CHECK(host.redis.used().empty());
  CHECK(full.why_not(host) == why);
  const FaultKind& kill = **find_kind("redis.kill");  // of the node, so of all of its accounts
  const auto all = make(kill, host)->resolve();
  REQUIRE_FALSE(all);
  CHECK(all.error().message == kill.why_not(host));
  CHECK_THAT(kill.why_not(host), Catch::Contains("lacks CLUSTER NODES"));
  const FaultKind& pause = **find_kind("redis.pause-clients");
  CHECK(make(pause, host)->resolve());
  CHECK(pause.why_not(host).empty());
}

TEST_CASE("nobody is refused where the server does not say, or is not reached") {
  FakeHost host;
  for (const FaultKind* kind : kinds_of("redis.")) {
    INFO(kind->name);
    CHECK(kind->why_not(host).empty());
    host.on_touch = [](const std::string&) { return fail(ErrorCode::kUnavailable, "refused"); };
    CHECK(kind->why_not(host).empty());
    host.on_touch = nullptr;
  }
}

TEST_CASE("a trial names what an account lacks, the kinds that want it, and what gives it that") {
  FakeHost host;
  host.redis.denied.emplace();
  CHECK_FALSE(try_account(kRedisAccounts, host, "orders").value());
  host.redis.denied = {"CONFIG SET", "channel panshi"};
  const auto bad = try_account(kRedisAccounts, host, "orders").value();
  REQUIRE(bad);
  CHECK(bad->account == "chaos");
  CHECK(bad->lacks == Names{"CONFIG SET", "channel panshi"});
  CHECK(bad->kinds == Names{"redis.memory-full", "redis.pause-clients", "redis.replication-break"});
  CHECK(bad->text ==
        "account chaos of orders lacks CONFIG SET, channel panshi; not possible for that: "
        "redis.memory-full, redis.pause-clients, redis.replication-break; "
        "ACL SETUSER chaos +config|set &panshi gives it that");
}

TEST_CASE("an account that its server does not let in can do none of the kinds") {
  for (const AccountGroup* group : {&kRedisAccounts, &kNatsAccounts}) {
    FakeHost host;
    CHECK_FALSE(try_account(*group, host, "orders").value());
    host.on_touch = [](const std::string&) { return fail(ErrorCode::kRefused, "WRONGPASS"); };
    const auto bad = try_account(*group, host, "orders").value();
    REQUIRE(bad);
    CHECK(bad->lacks.empty());
    CHECK(bad->kinds.size() == group->kinds().size());
    CHECK_THAT(bad->text, Catch::Contains(cat("the account `", group->entry,
                                              "` of orders cannot be used: WRONGPASS; not")));
    host.on_touch = [](const std::string&) { return fail(ErrorCode::kUnavailable, "refused"); };
    const auto away = try_account(*group, host, "orders");
    REQUIRE_FALSE(away);
    CHECK(away.error().code == ErrorCode::kUnavailable);
  }
}

}  // namespace
}  // namespace panshi::agent
