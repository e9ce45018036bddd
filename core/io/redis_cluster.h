// SPDX-License-Identifier: Apache-2.0
// RedisCluster: one client for a whole Redis Cluster, or for a single server that is none.
//
// It learns from any node who serves which slot, sends each command to the right one and follows
// MOVED and ASK. What surely was not carried out (nobody there, TRYAGAIN, CLUSTERDOWN, LOADING, a
// master that became a replica) is tried again until `patience` is over, then kUnavailable. After
// kTimeout it is unknown whether it was carried out: repeated only as `Access` allows. A node on
// which a call gave up refuses others for a moment, so that nobody else waits for it.
//
// Any thread. At most `connections` to a node. Errors of a command as in Redis; keys of more than
// one slot are kInvalid, also on a single server.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/io/redis.h"
#include "core/io/redis_node.h"
#include "core/io/redis_slots.h"

namespace panshi {

class RedisCluster {
 public:
  struct Options {
    std::vector<std::string> seeds;  // "host:port"; any of them may be away
    // Where to connect for a node that the cluster knows by another address: the link to it.
    std::map<std::string, std::string> via = {};
    std::string password = {};
    std::size_t connections = 4;
    Duration connect_timeout = std::chrono::milliseconds(300);
    Duration command_timeout = std::chrono::milliseconds(300);
    Duration patience = std::chrono::milliseconds(600);  // for redirections and repeats of one call
  };
  enum class Access {
    kWrite,       // at the master; never repeated once it may have been carried out
    kRepeatable,  // at the master; repeated after a timeout: a read, or an idempotent write
    kReplica,     // at a replica, which may lag behind; at the master when none answers
    kAnyone       // at the master; at a replica, which may lag behind, when it does not answer
  };

  explicit RedisCluster(Options options);
  ~RedisCluster();
  RedisCluster(const RedisCluster&) = delete;
  RedisCluster& operator=(const RedisCluster&) = delete;

  // `key` decides where; it is normally one of the command's words.
  Result<RedisReply> run(const std::string& key, const std::vector<std::string>& command,
                         Access access);
  // REQUIRES: at least one key.
  Result<RedisReply> eval(const std::string& script, const std::vector<std::string>& keys,
                          const std::vector<std::string>& arguments, Access access);

  // Asks again who serves what; kUnavailable when no node answers.
  Status refresh();
  // As it was last learned; empty before the first call.
  std::shared_ptr<const RedisTopology> topology() const;
  RedisPoolStats pool_stats() const;  // of all nodes that were ever called

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace panshi
