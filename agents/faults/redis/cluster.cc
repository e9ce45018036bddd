// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/redis/cluster.h"

#include <algorithm>
#include <charconv>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

bool has(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// "10.0.0.1:6379@16379,name": the port is behind the last colon before the `@`.
bool read_address(const std::string& text, ClusterMember& member) {
  const std::string place = text.substr(0, text.find('@'));
  const auto colon = place.rfind(':');
  if (colon == std::string::npos) return false;
  member.host = place.substr(0, colon);
  const char* end = place.data() + place.size();
  return std::from_chars(place.data() + colon + 1, end, member.port).ptr == end;
}

}  // namespace

// ID ADDRESS FLAGS PRIMARY PING PONG EPOCH LINK SLOTS…
std::vector<ClusterMember> read_cluster(std::string_view nodes) {
  std::vector<ClusterMember> all;
  for (const std::string& line : split(nodes, '\n')) {
    const auto words = split(line, ' ');
    if (words.size() < 8) continue;
    const auto flags = split(words[2], ',');
    ClusterMember member;
    member.id = words[0];
    if (!read_address(words[1], member)) continue;
    member.self = has(flags, "myself");
    member.primary = has(flags, "master");
    member.failing = has(flags, "fail") || has(flags, "fail?");
    member.has_slots = words.size() > 8 && !words[8].empty();
    member.follows = words[3] == "-" ? "" : words[3];
    std::from_chars(words[6].data(), words[6].data() + words[6].size(), member.epoch);
    all.push_back(std::move(member));
  }
  return all;
}

Result<std::vector<ClusterMember>> cluster_of(RedisSession& session) {
  ASSIGN_OR_RETURN(const RedisReply nodes, session.run({"CLUSTER", "NODES"}));
  return read_cluster(nodes.text);
}

const ClusterMember* find_member(const std::vector<ClusterMember>& all, std::string_view id) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.id == id; });
  return found == all.end() ? nullptr : &*found;
}

const ClusterMember* find_self(const std::vector<ClusterMember>& all) {
  const auto found =
      std::find_if(all.begin(), all.end(), [](const auto& each) { return each.self; });
  return found == all.end() ? nullptr : &*found;
}

std::string why_needed(const std::vector<ClusterMember>& all, const std::set<std::string>& ids) {
  const auto gone = [&](const ClusterMember& each) {
    return each.failing || ids.contains(each.id);
  };
  std::size_t primaries = 0;
  std::size_t left = 0;
  for (const ClusterMember& primary : all) {
    if (!primary.primary || !primary.has_slots) continue;
    ++primaries;
    if (!gone(primary)) {
      ++left;
      continue;
    }
    const bool copied = std::any_of(all.begin(), all.end(), [&](const ClusterMember& each) {
      return each.follows == primary.id && !gone(each);
    });
    if (!copied) {
      return cat("nobody would be left with the slots of ", primary.host, ":", primary.port);
    }
  }
  if (2 * left > primaries) return "";
  return cat(left, " of ", primaries, " primaries would be left, no majority");
}

}  // namespace panshi::agent
