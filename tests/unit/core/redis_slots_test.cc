// SPDX-License-Identifier: Apache-2.0
// Promise: a key's slot is the one that Redis computes, and what a cluster says of itself is read
// as it is meant.
#include "core/io/redis_slots.h"

#include <catch2/catch.hpp>

using namespace panshi;

namespace {

RedisReply text(const std::string& value) {
  return {.kind = RedisReply::Kind::kText, .integer = 0, .text = value, .list = {}};
}
RedisReply integer(std::int64_t value) {
  return {.kind = RedisReply::Kind::kInteger, .integer = value, .text = {}, .list = {}};
}
RedisReply list(std::vector<RedisReply> items) {
  return {.kind = RedisReply::Kind::kList, .integer = 0, .text = {}, .list = std::move(items)};
}
RedisReply node(const std::string& host, std::int64_t port) {
  return list({text(host), integer(port), text("id")});
}

}  // namespace

TEST_CASE("the slot of a key is the one that CLUSTER KEYSLOT gives") {
  CHECK(redis_slot("123456789") == 0x31c3);  // the check value of CRC16/XMODEM
  CHECK(redis_slot("") == 0);
  CHECK(redis_slot("foo") == 12'182);
  CHECK(redis_slot("somekey") == 11'058);
  CHECK(redis_slot("foo{hash_tag}") == 2'515);
}

TEST_CASE("only what is between the first braces counts, unless that is nothing") {
  CHECK(redis_slot("{user1000}.following") == redis_slot("user1000"));
  CHECK(redis_slot("foo{bar}{zap}") == redis_slot("bar"));
  CHECK(redis_slot("foo{{bar}}zap") == redis_slot("{bar"));
  CHECK(redis_slot("foo{}{bar}") != redis_slot("bar"));
  CHECK(redis_slot("foo{bar") != redis_slot("bar"));
}

TEST_CASE("redirections are told from other errors") {
  const auto moved = redis_redirect("MOVED 3999 127.0.0.1:6381");
  REQUIRE(moved);
  CHECK(moved->kind == RedisRedirect::Kind::kMoved);
  CHECK(moved->slot == 3'999);
  CHECK(moved->address == "127.0.0.1:6381");
  CHECK(redis_redirect("ASK 16383 ::1:7000")->kind == RedisRedirect::Kind::kAsk);
  for (const char* error : {"ERR no", "MOVED", "MOVED x 127.0.0.1:1", "MOVED 16384 127.0.0.1:1",
                            "MOVED -1 127.0.0.1:1", "ASK 1 nowhere", "ASKED 1 a:1", ""}) {
    INFO(error);
    CHECK_FALSE(redis_redirect(error));
  }
}

TEST_CASE("a topology says who serves a slot, who replicates it, and what nobody serves") {
  const RedisTopology topology = RedisTopology::of_slots(
      list({list({integer(0), integer(99), node("10.0.0.1", 7'000), node("10.0.0.2", 7'001)}),
            list({integer(200), integer(16'383), node("", 7'002)}),
            list({integer(5), integer(1), node("10.0.0.9", 1)})}),
      "10.0.0.3:7002");
  REQUIRE(topology.shard_of(99));
  CHECK(topology.shard_of(99)->master == "10.0.0.1:7000");
  CHECK(topology.shard_of(99)->replicas == std::vector<std::string>{"10.0.0.2:7001"});
  CHECK(topology.shard_of(100) == nullptr);
  CHECK(topology.shard_of(16'383)->master == "10.0.0.3:7002");  // the host of the one asked
  CHECK_FALSE(topology.is_whole());
  CHECK(topology.nodes() ==
        std::vector<std::string>{"10.0.0.1:7000", "10.0.0.3:7002", "10.0.0.2:7001"});
}

TEST_CASE("what a redirection says changes one slot") {
  RedisTopology topology = RedisTopology::plain("a:1");
  CHECK(topology.is_whole());
  topology.learn(7, "b:1");
  CHECK(topology.shard_of(7)->master == "b:1");
  CHECK(topology.shard_of(8)->master == "a:1");
  topology.learn(7, "a:1");
  CHECK(topology.shards().size() == 2);
  CHECK(topology.shard_of(7)->master == "a:1");
}
