// SPDX-License-Identifier: Apache-2.0
// What a member of a Redis Cluster knows of all of them (CLUSTER NODES), and whether the cluster
// could do without some. Any thread.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agents/host/host.h"

namespace panshi::agent {

struct ClusterMember {
  std::string id;
  std::string host;
  std::uint16_t port = 0;
  bool self = false;  // who was asked
  bool primary = false;
  bool failing = false;  // for sure, or as who was asked believes
  bool has_slots = false;
  std::string follows;      // the id of its primary; "" for none
  std::uint64_t epoch = 0;  // of the last vote for it, or for its primary; the higher one wins
};

// Lines that cannot be read are left out.
std::vector<ClusterMember> read_cluster(std::string_view nodes);
// kRefused: the server is in no cluster.
Result<std::vector<ClusterMember>> cluster_of(RedisSession& session);
const ClusterMember* find_member(const std::vector<ClusterMember>& all, std::string_view id);
const ClusterMember* find_self(const std::vector<ClusterMember>& all);  // null: not told

// Why the cluster could not go on without these members, counting those that fail already: no
// majority of the primaries, or slots that nobody has a copy of. "" when it could.
std::string why_needed(const std::vector<ClusterMember>& all, const std::set<std::string>& ids);

}  // namespace panshi::agent
