// SPDX-License-Identifier: Apache-2.0
// ShopServers: real MariaDB (up to three shards; the first may have a replica), Redis and NATS for
// one test process.
//
// They listen on loopback addresses made from the test's process id and keep their state in a
// temporary folder, so tests run side by side. Everything ends with the object, or with the test
// process however it ends. The options are those of platform/lab/shop.yaml where they matter.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/io/mariadb.h"
#include "core/io/nats.h"
#include "core/io/redis.h"
#include "tests/support/child.h"
#include "tests/support/temporary_folder.h"

namespace panshi {

class ShopServers {
 public:
  enum class Server { kPrimary, kShard1, kShard2, kReplica, kRedis, kNats };

  // Starts the servers and returns when they answer; throws with the end of the log otherwise.
  // `options`: more of them, for each MariaDB.
  explicit ShopServers(const std::vector<Server>& wanted, std::vector<std::string> options = {});
  ~ShopServers();
  ShopServers(const ShopServers&) = delete;
  ShopServers& operator=(const ShopServers&) = delete;

  static std::string primary_here();                // where one of this process will listen
  std::string address() const { return address_; }  // of the primary, Redis and NATS
  std::string address_of(Server which) const;
  const std::filesystem::path& folder() const { return folder_.path(); }

  MariaDb::Options shop_account(Server which = Server::kPrimary) const;
  MariaDb::Options root_account(Server which = Server::kPrimary) const;
  Redis::Options redis() const;
  Nats::Options nats() const;
  std::string nats_monitor() const;  // http://127.210.1.2:17424

  void kill(Server which);   // SIGKILL
  void start(Server which);  // again, on the same state
  void pause(Server which);  // SIGSTOP
  void resume(Server which);

  static constexpr int kMariaDbPort = 17'306;
  static constexpr int kRedisPort = 17'379;
  static constexpr int kNatsPort = 17'422;
  static constexpr int kNatsMonitorPort = 17'424;

 private:
  void install(Server which);
  std::vector<std::string> command(Server which) const;
  Status answers(Server which) const;
  std::string name_of(Server which) const;
  void spawn(Server which);
  void await(Server which);

  std::vector<std::string> options_;
  std::string host_;  // the last two numbers of every address
  std::string address_;
  TemporaryFolder folder_;
  std::map<Server, std::unique_ptr<Child>> running_;
};

}  // namespace panshi
