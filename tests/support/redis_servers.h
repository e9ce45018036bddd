// SPDX-License-Identifier: Apache-2.0
// RedisServers: six real Redis servers for one test process, on three loopback "hosts", two each,
// ready to be made into a cluster. They end with the object, or with the test process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/io/redis_cluster.h"
#include "platform/storefront/stores/redis_form.h"
#include "tests/support/child.h"
#include "tests/support/temporary_folder.h"

namespace panshi {

class RedisServers {
 public:
  static constexpr std::size_t kCount = 6;
  static constexpr int kPort = 17'380;  // and the next; the cluster bus is 10,000 above

  // Starts the servers; throws when they do not answer. `formed`: also makes the cluster.
  explicit RedisServers(bool formed = true);

  const std::vector<shop::RedisMember>& members() const { return members_; }
  RedisCluster::Options options() const;
  // Which server has that address.
  std::size_t index_of(const std::string& address) const;
  Result<RedisReply> tell(std::size_t index, const std::vector<std::string>& command) const;

  void start(std::size_t index);  // again, on the same state
  void kill(std::size_t index) { running_[index]->kill_now(); }
  void pause(std::size_t index) { running_[index]->pause(); }
  void resume(std::size_t index);

 private:
  TemporaryFolder folder_;
  std::vector<shop::RedisMember> members_;
  std::vector<std::unique_ptr<Child>> running_;
};

}  // namespace panshi
