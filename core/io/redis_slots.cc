// SPDX-License-Identifier: Apache-2.0
#include "core/io/redis_slots.h"

#include <algorithm>
#include <charconv>

#include "core/base/text.h"

namespace panshi {
namespace {

std::uint16_t crc16(std::string_view text) {
  unsigned crc = 0;
  for (const char c : text) {
    crc ^= static_cast<unsigned>(static_cast<unsigned char>(c)) << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1;
    crc &= 0xffff;
  }
  return static_cast<std::uint16_t>(crc);
}

std::string host_of(const std::string& address) { return address.substr(0, address.rfind(':')); }

// One node of CLUSTER SLOTS: {ip, port, id, …}; the ip is empty or null when the node does not
// know.
std::string address_of(const RedisReply& node, const std::string& asked) {
  if (node.list.size() < 2) return {};
  const std::string& host = node.list[0].text;
  return cat(host.empty() || host == "?" ? host_of(asked) : host, ":", node.list[1].integer);
}

}  // namespace

int redis_slot(std::string_view key) {
  const auto open = key.find('{');
  if (open != std::string_view::npos) {
    const auto close = key.find('}', open + 1);
    if (close != std::string_view::npos && close > open + 1) {
      key = key.substr(open + 1, close - open - 1);
    }
  }
  return crc16(key) % kRedisSlots;
}

std::optional<RedisRedirect> redis_redirect(std::string_view error) {
  const auto words = split(error, ' ');
  if (words.size() != 3 || (words[0] != "MOVED" && words[0] != "ASK")) return std::nullopt;
  RedisRedirect redirect;
  redirect.kind = words[0] == "ASK" ? RedisRedirect::Kind::kAsk : RedisRedirect::Kind::kMoved;
  const char* const end = words[1].data() + words[1].size();
  const auto [stopped, problem] = std::from_chars(words[1].data(), end, redirect.slot);
  if (problem != std::errc() || stopped != end) return std::nullopt;
  if (redirect.slot < 0 || redirect.slot >= kRedisSlots) return std::nullopt;
  if (words[2].find(':') == std::string::npos) return std::nullopt;
  redirect.address = words[2];
  return redirect;
}

RedisTopology RedisTopology::plain(std::string address) {
  RedisTopology topology;
  topology.shards_.push_back({.master = std::move(address), .replicas = {}});
  std::fill(topology.shard_of_slot_.begin(), topology.shard_of_slot_.end(), std::int16_t{0});
  return topology;
}

RedisTopology RedisTopology::of_slots(const RedisReply& reply, const std::string& asked) {
  RedisTopology topology;
  topology.cluster_ = true;
  for (const RedisReply& range : reply.list) {
    if (range.list.size() < 3) continue;
    const std::int64_t first = range.list[0].integer;
    const std::int64_t last = range.list[1].integer;
    if (first < 0 || last >= kRedisSlots || first > last) continue;
    const int shard = topology.shard_with(address_of(range.list[2], asked));
    auto& replicas = topology.shards_[static_cast<std::size_t>(shard)].replicas;
    replicas.clear();  // a shard with several ranges lists them with each
    for (std::size_t i = 3; i < range.list.size(); ++i) {
      replicas.push_back(address_of(range.list[i], asked));
    }
    std::fill(topology.shard_of_slot_.begin() + first, topology.shard_of_slot_.begin() + last + 1,
              static_cast<std::int16_t>(shard));
  }
  return topology;
}

const RedisTopology::Shard* RedisTopology::shard_of(int slot) const {
  const std::int16_t shard = shard_of_slot_.at(static_cast<std::size_t>(slot));
  return shard < 0 ? nullptr : &shards_[static_cast<std::size_t>(shard)];
}

void RedisTopology::learn(int slot, const std::string& master) {
  shard_of_slot_.at(static_cast<std::size_t>(slot)) = static_cast<std::int16_t>(shard_with(master));
}

std::vector<std::string> RedisTopology::nodes() const {
  std::vector<std::string> all;
  for (const Shard& shard : shards_) all.push_back(shard.master);
  for (const Shard& shard : shards_) {
    for (const std::string& replica : shard.replicas) {
      if (std::find(all.begin(), all.end(), replica) == all.end()) all.push_back(replica);
    }
  }
  return all;
}

bool RedisTopology::is_whole() const {
  return std::find(shard_of_slot_.begin(), shard_of_slot_.end(), -1) == shard_of_slot_.end();
}

int RedisTopology::shard_with(const std::string& master) {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    if (shards_[i].master == master) return static_cast<int>(i);
  }
  shards_.push_back({.master = master, .replicas = {}});
  return static_cast<int>(shards_.size() - 1);
}

}  // namespace panshi
