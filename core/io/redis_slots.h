// SPDX-License-Identifier: Apache-2.0
// What a client of a Redis Cluster must know, without any connection: which slot a key belongs to,
// who serves which slot, and what a redirection says.
//
// Pure values; addresses are "host:port". RedisCluster is the user.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/redis.h"

namespace panshi {

inline constexpr int kRedisSlots = 16'384;

// CRC16 (XMODEM) of the key, or of what is between its first `{` and the next `}` if that is not
// empty, modulo the number of slots.
int redis_slot(std::string_view key);

struct RedisRedirect {
  enum class Kind { kMoved, kAsk };
  Kind kind = Kind::kMoved;
  int slot = 0;
  std::string address;  // an empty host means: the node that was asked
};
// Of an error reply such as "MOVED 3999 127.0.0.1:6381"; nothing for any other.
std::optional<RedisRedirect> redis_redirect(std::string_view error);

class RedisTopology {
 public:
  struct Shard {
    std::string master;
    std::vector<std::string> replicas;
  };
  RedisTopology() = default;                        // nobody serves anything
  static RedisTopology plain(std::string address);  // one server, no cluster
  // Of the answer to CLUSTER SLOTS by `asked`, which may leave its own host out.
  static RedisTopology of_slots(const RedisReply& reply, const std::string& asked);

  const Shard* shard_of(int slot) const;  // null: nobody is known to serve it
  void learn(int slot, const std::string& master);
  std::vector<std::string> nodes() const;  // masters, then replicas; each once
  const std::vector<Shard>& shards() const { return shards_; }
  bool empty() const { return shards_.empty(); }
  bool is_cluster() const { return cluster_; }
  bool is_whole() const;  // every slot is served

 private:
  int shard_with(const std::string& master);

  bool cluster_ = false;
  std::vector<Shard> shards_;
  std::vector<std::int16_t> shard_of_slot_ = std::vector<std::int16_t>(kRedisSlots, -1);
};

}  // namespace panshi
