// SPDX-License-Identifier: Apache-2.0
// How six empty Redis servers become a cluster: what to tell which node next.
//
// Pure: takes what each node says of itself and of the others, and gives the commands of the next
// step; carried out and asked again until there are none. Slots that have an owner stay where they
// are and nodes that replicate stay as they are, so a cluster that is formed is never touched,
// whoever is master after a failover. A master and its replica are never on one host.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"

namespace panshi::shop {

// One line of CLUSTER NODES.
struct RedisPeer {
  std::string id;
  std::string address;  // "host:port"
  bool master = false;
  bool failed = false;
  std::string master_id;                   // of a replica
  std::vector<std::pair<int, int>> slots;  // ranges, both ends included
  int slot_count() const;
};
Result<std::vector<RedisPeer>> read_cluster_nodes(const std::string& text);

struct RedisNodeView {
  std::string address;
  std::string host;              // the machine that it shares a fate with
  std::string id;                // its own
  std::vector<RedisPeer> peers;  // as it sees them, itself included
};

struct RedisStep {
  std::string address;  // of the node to tell
  std::vector<std::string> command;
};
struct RedisPlan {
  std::vector<RedisStep> steps;
  bool formed = false;  // every slot served, every node in its place, and all agree
};
// No steps and not formed: wait for the nodes to hear from one another.
RedisPlan plan_cluster(const std::vector<RedisNodeView>& nodes, int replicas_per_master);

}  // namespace panshi::shop
