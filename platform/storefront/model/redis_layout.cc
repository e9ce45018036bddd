// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/model/redis_layout.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "core/base/text.h"

namespace panshi::shop {
namespace {

constexpr int kSlots = 16'384;

int number(std::string_view text) {
  int value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

const RedisPeer* peer_with(const std::vector<RedisPeer>& peers, const std::string& id) {
  const auto found = std::find_if(peers.begin(), peers.end(),
                                  [&](const RedisPeer& peer) { return peer.id == id; });
  return found == peers.end() ? nullptr : &*found;
}

// What the nodes say of themselves: the only ones who surely know.
class Layout {
 public:
  explicit Layout(const std::vector<RedisNodeView>& nodes) : nodes_(nodes) {
    for (const RedisNodeView& node : nodes) {
      const RedisPeer* self = peer_with(node.peers, node.id);
      selves_.push_back(self ? *self : RedisPeer{});
      ids_.insert(node.id);
      for (const RedisPeer& peer : node.peers) mark(peer);
    }
  }

  std::vector<RedisStep> introductions() const {
    std::vector<RedisStep> steps;
    for (const RedisNodeView& node : nodes_) {
      if (node.id == nodes_[0].id || knows(nodes_[0], node.id)) continue;
      const auto colon = node.address.rfind(':');
      steps.push_back(
          {nodes_[0].address,
           {"CLUSTER", "MEET", node.address.substr(0, colon), node.address.substr(colon + 1)}});
    }
    return steps;
  }

  // Dead ids without slots: a node that lost its state came back as another one.
  std::vector<RedisStep> farewells() const {
    std::vector<RedisStep> steps;
    for (const RedisNodeView& node : nodes_) {
      for (const RedisPeer& peer : node.peers) {
        if (peer.failed && peer.slots.empty() && !ids_.contains(peer.id)) {
          steps.push_back({node.address, {"CLUSTER", "FORGET", peer.id}});
        }
      }
    }
    return steps;
  }

  bool all_acquainted() const {
    return std::all_of(nodes_.begin(), nodes_.end(), [&](const RedisNodeView& node) {
      return std::all_of(nodes_.begin(), nodes_.end(),
                         [&](const RedisNodeView& other) { return knows(node, other.id); });
    });
  }

  // Each slot without owner, to the master whose share it is in.
  std::vector<RedisStep> slot_steps(int masters_wanted) const {
    const std::vector<std::size_t> masters = choose_masters(masters_wanted);
    std::vector<RedisStep> steps;
    if (masters.empty()) return steps;
    const int count = static_cast<int>(masters.size());
    for (int i = 0; i < count; ++i) {
      const int first = kSlots * i / count;
      const int last = kSlots * (i + 1) / count - 1;
      RedisStep step{nodes_[masters[static_cast<std::size_t>(i)]].address,
                     {"CLUSTER", "ADDSLOTSRANGE"}};
      for (int slot = first; slot <= last; ++slot) {
        if (owned_[static_cast<std::size_t>(slot)]) continue;
        const int from = slot;
        while (slot < last && !owned_[static_cast<std::size_t>(slot) + 1]) ++slot;
        step.command.push_back(std::to_string(from));
        step.command.push_back(std::to_string(slot));
      }
      if (step.command.size() > 2) steps.push_back(std::move(step));
    }
    return steps;
  }

  std::vector<RedisStep> replica_steps() const {
    std::map<std::string, int> replicas;  // by master with slots
    for (const RedisPeer& self : selves_) {
      if (self.master && !self.slots.empty()) replicas.try_emplace(self.id, 0);
    }
    for (const RedisPeer& self : selves_) {
      if (!self.master && replicas.contains(self.master_id)) ++replicas[self.master_id];
    }
    std::vector<RedisStep> steps;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (!selves_[i].master || !selves_[i].slots.empty()) continue;
      const auto master = least_replicated(replicas, i);
      if (master.empty()) continue;
      ++replicas[master];
      steps.push_back({nodes_[i].address, {"CLUSTER", "REPLICATE", master}});
    }
    return steps;
  }

  bool is_whole() const {
    return std::all_of(owned_.begin(), owned_.end(), [](bool owned) { return owned; });
  }
  // Every node is a master with slots or replicates, and all see it so.
  bool all_in_place() const {
    for (const RedisPeer& self : selves_) {
      if (self.id.empty() || (self.master && self.slots.empty())) return false;
      for (const RedisNodeView& node : nodes_) {
        const RedisPeer* seen = peer_with(node.peers, self.id);
        if (!seen || seen->failed || seen->master != self.master ||
            seen->slot_count() != self.slot_count()) {
          return false;
        }
      }
    }
    return true;
  }

 private:
  static bool knows(const RedisNodeView& node, const std::string& id) {
    return peer_with(node.peers, id) != nullptr;
  }

  void mark(const RedisPeer& peer) {
    for (const auto& [first, last] : peer.slots) {
      std::fill(owned_.begin() + first, owned_.begin() + last + 1, true);
    }
  }

  // Those that have slots already, else the first ones of as many hosts as there are.
  std::vector<std::size_t> choose_masters(int wanted) const {
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (selves_[i].master && !selves_[i].slots.empty()) chosen.push_back(i);
    }
    std::map<std::string, int> used;
    for (const std::size_t i : chosen) ++used[nodes_[i].host];
    while (static_cast<int>(chosen.size()) < wanted) {
      std::optional<std::size_t> best;
      for (std::size_t i = 0; i < nodes_.size(); ++i) {
        const bool free = selves_[i].master && selves_[i].slots.empty() &&
                          std::find(chosen.begin(), chosen.end(), i) == chosen.end();
        if (free && (!best || used[nodes_[i].host] < used[nodes_[*best].host])) best = i;
      }
      if (!best) break;
      ++used[nodes_[*best].host];
      chosen.push_back(*best);
    }
    return chosen;
  }

  // The one with the fewest replicas on another host than that of node `i`; among several the next
  // after the master on its own host, so that as many nodes on as many hosts come out even.
  std::string least_replicated(const std::map<std::string, int>& replicas, std::size_t i) const {
    std::size_t from = i;
    for (std::size_t k = 0; k < nodes_.size(); ++k) {
      if (nodes_[k].host == nodes_[i].host && replicas.contains(nodes_[k].id)) from = k;
    }
    std::string best;
    for (std::size_t k = 1; k <= nodes_.size(); ++k) {
      const RedisNodeView& node = nodes_[(from + k) % nodes_.size()];
      const auto count = replicas.find(node.id);
      if (count == replicas.end() || node.host == nodes_[i].host) continue;
      if (best.empty() || count->second < replicas.at(best)) best = node.id;
    }
    return best;
  }

  const std::vector<RedisNodeView>& nodes_;
  std::vector<RedisPeer> selves_;
  std::set<std::string> ids_;
  std::vector<bool> owned_ = std::vector<bool>(kSlots, false);
};

}  // namespace

int RedisPeer::slot_count() const {
  int count = 0;
  for (const auto& [first, last] : slots) count += last - first + 1;
  return count;
}

// <id> <ip:port@cport[,hostname]> <flags> <master> <ping> <pong> <epoch> <link> <slot> …
Result<std::vector<RedisPeer>> read_cluster_nodes(const std::string& text) {
  std::vector<RedisPeer> peers;
  for (const std::string& line : split(text, '\n')) {
    if (line.empty()) continue;
    const auto words = split(line, ' ');
    if (words.size() < 8) return fail(ErrorCode::kInvalid, cat("CLUSTER NODES: `", line, "`"));
    const auto flags = split(words[2], ',');
    const auto has = [&](const char* flag) {
      return std::find(flags.begin(), flags.end(), flag) != flags.end();
    };
    if (has("handshake")) continue;  // its id is not its own yet
    RedisPeer peer{.id = words[0],
                   .address = words[1].substr(0, words[1].find('@')),
                   .master = has("master"),
                   .failed = has("fail") || has("noaddr"),
                   .master_id = words[3] == "-" ? "" : words[3],
                   .slots = {}};
    for (std::size_t i = 8; i < words.size(); ++i) {
      if (words[i].empty() || words[i][0] == '[') continue;  // on its way to or from another node
      const auto ends = split(words[i], '-');
      const int first = number(ends[0]);
      const int last = ends.size() > 1 ? number(ends[1]) : first;
      if (first < 0 || last < first || last >= kSlots) {
        return fail(ErrorCode::kInvalid, cat("CLUSTER NODES: slots `", words[i], "`"));
      }
      peer.slots.emplace_back(first, last);
    }
    peers.push_back(std::move(peer));
  }
  return peers;
}

RedisPlan plan_cluster(const std::vector<RedisNodeView>& nodes, int replicas_per_master) {
  if (nodes.empty()) return {};
  const Layout layout(nodes);
  if (auto steps = layout.introductions(); !steps.empty()) return {std::move(steps), false};
  if (!layout.all_acquainted()) return {};
  if (auto steps = layout.farewells(); !steps.empty()) return {std::move(steps), false};
  if (!layout.is_whole()) {
    const int masters = static_cast<int>(nodes.size()) / (replicas_per_master + 1);
    return {layout.slot_steps(std::max(masters, 1)), false};
  }
  if (auto steps = layout.replica_steps(); !steps.empty()) return {std::move(steps), false};
  return {{}, layout.all_in_place()};
}

}  // namespace panshi::shop
