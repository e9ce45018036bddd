// SPDX-License-Identifier: Apache-2.0
// Promise: following the plan makes a whole cluster of any empty servers, no master shares a host
// with its replica, and a formed cluster is left alone.
#include "platform/storefront/model/redis_layout.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "core/base/text.h"

using namespace panshi;
using namespace panshi::shop;

namespace {

// Servers that carry the steps out at once; news travels with each round.
class FakeServers {
 public:
  explicit FakeServers(std::vector<std::string> hosts) {
    for (const std::string& host : hosts) {
      const std::string id = cat("id", nodes_.size());
      const std::string address = cat("10.0.0.", nodes_.size(), ":7000");
      nodes_.push_back({address,
                        host,
                        id,
                        {{.id = id,
                          .address = address,
                          .master = true,
                          .failed = false,
                          .master_id = {},
                          .slots = {}}}});
    }
  }
  void carry_out(const RedisStep& step) {
    RedisNodeView& node = *std::find_if(nodes_.begin(), nodes_.end(), [&](const auto& candidate) {
      return candidate.address == step.address;
    });
    RedisPeer& self = self_of(node);
    const auto& words = step.command;
    if (words[1] == "MEET") acquainted_ = true;
    if (words[1] == "REPLICATE") {
      self.master = false;
      self.master_id = words[2];
    }
    if (words[1] == "FORGET") {
      std::erase_if(node.peers, [&](const RedisPeer& peer) { return peer.id == words[2]; });
    }
    for (std::size_t i = 2; words[1] == "ADDSLOTSRANGE" && i + 1 < words.size(); i += 2) {
      self.slots.emplace_back(std::stoi(words[i]), std::stoi(words[i + 1]));
    }
  }
  void gossip() {
    if (!acquainted_) return;
    std::vector<RedisPeer> selves;
    for (RedisNodeView& node : nodes_) selves.push_back(self_of(node));
    for (RedisNodeView& node : nodes_) {
      for (const RedisPeer& self : selves) {
        std::erase_if(node.peers, [&](const RedisPeer& peer) { return peer.id == self.id; });
        node.peers.push_back(self);
      }
    }
  }
  // The steps until nothing is left to do.
  int form() {
    int steps = 0;
    for (int round = 0; round < 20; ++round) {
      const RedisPlan plan = plan_cluster(nodes_, 1);
      if (plan.formed) return steps;
      for (const RedisStep& step : plan.steps) carry_out(step);
      steps += static_cast<int>(plan.steps.size());
      gossip();
    }
    FAIL("not formed after 20 rounds");
    return -1;
  }
  RedisPeer& self_of(RedisNodeView& node) {
    return *std::find_if(node.peers.begin(), node.peers.end(),
                         [&](const RedisPeer& peer) { return peer.id == node.id; });
  }
  std::vector<RedisNodeView>& nodes() { return nodes_; }
  void check_places() {
    int slots = 0;
    std::map<std::string, int> replicas;
    for (RedisNodeView& node : nodes_) {
      RedisPeer& self = self_of(node);
      slots += self.slot_count();
      if (self.master) continue;
      ++replicas[self.master_id];
      for (const RedisNodeView& other : nodes_) {
        if (other.id == self.master_id) CHECK(other.host != node.host);
      }
    }
    CHECK(slots == 16'384);
    CHECK(replicas.size() == nodes_.size() / 2);
  }

 private:
  std::vector<RedisNodeView> nodes_;
  bool acquainted_ = false;
};

}  // namespace

TEST_CASE("six empty servers on three hosts become a cluster, in whatever order they are listed") {
  std::vector<std::string> hosts = {"d1", "d1", "d2", "d2", "d3", "d3"};
  do {
    FakeServers servers(hosts);
    CHECK(servers.form() > 0);
    servers.check_places();
    CHECK(servers.form() == 0);
  } while (std::next_permutation(hosts.begin(), hosts.end()));
}

TEST_CASE("a cluster after a failover is left as it is") {
  FakeServers servers({"d1", "d1", "d2", "d2", "d3", "d3"});
  servers.form();
  RedisNodeView& replica =
      *std::find_if(servers.nodes().begin(), servers.nodes().end(),
                    [&](RedisNodeView& node) { return !servers.self_of(node).master; });
  RedisPeer& winner = servers.self_of(replica);
  for (RedisNodeView& node : servers.nodes()) {
    if (node.id != winner.master_id) continue;
    RedisPeer& loser = servers.self_of(node);
    std::swap(loser.slots, winner.slots);
    loser.master = false;
    loser.master_id = winner.id;
  }
  winner.master = true;
  winner.master_id = "";
  servers.gossip();
  CHECK(servers.form() == 0);
}

TEST_CASE("slots without owner are given away, and a node that lost its state replicates again") {
  FakeServers servers({"d1", "d1", "d2", "d2", "d3", "d3"});
  servers.form();
  for (RedisNodeView& node : servers.nodes()) {
    RedisPeer& self = servers.self_of(node);
    if (self.master) {
      self.slots.front().second -= 10;
      break;
    }
  }
  RedisNodeView& lost =
      *std::find_if(servers.nodes().begin(), servers.nodes().end(),
                    [&](RedisNodeView& node) { return !servers.self_of(node).master; });
  RedisPeer dead = servers.self_of(lost);
  dead.failed = true;
  lost.id = "id-new";
  lost.peers = {{.id = "id-new",
                 .address = lost.address,
                 .master = true,
                 .failed = false,
                 .master_id = {},
                 .slots = {}}};
  for (RedisNodeView& node : servers.nodes()) {
    if (node.id != lost.id) servers.self_of(node);
    for (RedisPeer& peer : node.peers) {
      if (peer.id == dead.id) peer.failed = true;
    }
  }
  CHECK(servers.form() > 0);
  servers.check_places();
  for (const RedisNodeView& node : servers.nodes()) CHECK(node.peers.size() == 6);
}

TEST_CASE("the words of CLUSTER NODES are read: roles, failures, slots, and slots on their way") {
  const auto peers = read_cluster_nodes(
      "a1 127.0.0.1:7000@17000,h1 myself,master - 0 0 1 connected 0-5460 9 [77->-b2]\n"
      "b2 127.0.0.1:7001@17001 slave,fail a1 0 0 1 disconnected\n"
      "c3 :0@0 handshake - 0 0 0 disconnected\n");
  REQUIRE(peers);
  REQUIRE(peers->size() == 2);
  CHECK(peers->at(0).address == "127.0.0.1:7000");
  CHECK(peers->at(0).master);
  CHECK(peers->at(0).slot_count() == 5'462);
  CHECK_FALSE(peers->at(1).master);
  CHECK(peers->at(1).failed);
  CHECK(peers->at(1).master_id == "a1");
  CHECK_FALSE(read_cluster_nodes("what is this"));
  CHECK_FALSE(read_cluster_nodes("a 1:1@1 master - 0 0 1 connected 5-99999"));
}
