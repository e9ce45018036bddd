// SPDX-License-Identifier: Apache-2.0
// MatrixServers: a real MariaDB primary with its replica, a Redis server, a Redis Cluster, a NATS
// server and what takes the orders of a load generator, for the matrix; beside them one agent after
// the other lives; and what of them a fault may change. They are not the agent's own services:
// those are sleeps that stand for them.
#pragma once

#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "core/io/http_server.h"
#include "tests/support/redis_servers.h"
#include "tests/support/shop_servers.h"

namespace panshi {

class MatrixServers {
 public:
  MatrixServers();

  // `sql: …`, `redis: …` and so on of the services `shop`, `replica` and `cache`, as a
  // configuration has them.
  std::string extras(const std::string& service) const;
  // Accounts, switches, sessions, replication, settings, keys, messages; "unreachable" where it
  // cannot be asked now.
  nlohmann::json state() const;
  // No session is open. One that its client has just left stays listed until the server notices.
  bool is_quiet() const;

 private:
  nlohmann::json primary_state() const;
  nlohmann::json replica_state() const;
  nlohmann::json redis_state() const;
  nlohmann::json cluster_state() const;
  nlohmann::json nats_state() const;

  using Server = ShopServers::Server;
  ShopServers shop_{{Server::kPrimary, Server::kReplica, Server::kRedis, Server::kNats}};
  RedisServers cluster_;
  std::size_t member_ = 0;  // a replica of the cluster
  std::unique_ptr<Nats> nats_;
  std::atomic<double> rate_ = 40;  // of the load
  HttpServer load_{{}};
};

}  // namespace panshi
