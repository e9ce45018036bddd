// SPDX-License-Identifier: Apache-2.0
#include "tests/support/redis_servers.h"

#include <sys/signal.h>
#include <unistd.h>

#include <stdexcept>

#include "core/base/text.h"
#include "tests/support/eventually.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;

constexpr int kHosts = 3;
int port_of(std::size_t index) { return RedisServers::kPort + static_cast<int>(index) / kHosts; }

}  // namespace

RedisServers::RedisServers(bool formed) : running_(kCount) {
  const pid_t pid = ::getpid();
  for (std::size_t i = 0; i < kCount; ++i) {
    const std::string host =
        cat("127.", 212 + i % kHosts, ".", pid / 250 % 250 + 1, ".", pid % 250 + 1);
    members_.push_back({cat(host, ":", port_of(i)), host});
    std::filesystem::create_directory(folder_ / std::to_string(i));
  }
  for (std::size_t i = 0; i < kCount; ++i) start(i);
  if (!formed) return;
  const auto done = shop::form_redis_cluster(members_, 1, SystemClock().mono() + 60s);
  if (!done) throw std::runtime_error(done.error().message);
  // The nodes tell clients of a replica only once it has copied something.
  RedisCluster redis(options());
  const bool listed = eventually([&] {
    for (int i = 0; i < 16; ++i) {
      const std::string key = cat("warm-", i);
      (void)redis.run(key, {"SET", key, "1", "PX", "1"}, RedisCluster::Access::kRepeatable);
    }
    for (std::size_t i = 0; i < kCount; ++i) {
      const auto slots = tell(i, {"CLUSTER", "SLOTS"});
      if (!slots || RedisTopology::of_slots(*slots, "").nodes().size() != kCount) return false;
    }
    return true;
  });
  if (!listed) throw std::runtime_error("the replicas are not known to the cluster");
}

RedisCluster::Options RedisServers::options() const {
  RedisCluster::Options options;
  for (const auto& member : members_) options.seeds.push_back(member.address);
  return options;
}

std::size_t RedisServers::index_of(const std::string& address) const {
  for (std::size_t i = 0; i < kCount; ++i) {
    if (members_[i].address == address) return i;
  }
  throw std::runtime_error(address + " is none of the servers");
}

Result<RedisReply> RedisServers::tell(std::size_t index,
                                      const std::vector<std::string>& command) const {
  ASSIGN_OR_RETURN(Redis redis, Redis::connect({.host = members_[index].host,
                                                .port = static_cast<std::uint16_t>(port_of(index)),
                                                .command_timeout = 2s}));
  return redis.run(command);
}

void RedisServers::start(std::size_t index) {
  const std::string state = (folder_ / std::to_string(index)).string();
  running_[index] =
      std::make_unique<Child>(std::vector<std::string>{"redis-server",
                                                       "--bind",
                                                       members_[index].host,
                                                       "--port",
                                                       cat(port_of(index)),
                                                       "--dir",
                                                       state,
                                                       "--cluster-enabled",
                                                       "yes",
                                                       "--cluster-announce-ip",
                                                       members_[index].host,
                                                       "--cluster-node-timeout",
                                                       "1000",
                                                       "--cluster-require-full-coverage",
                                                       "no",
                                                       "--repl-diskless-sync-delay",
                                                       "0",
                                                       "--appendonly",
                                                       "yes",
                                                       "--appendfsync",
                                                       "everysec",
                                                       "--save",
                                                       ""},
                              folder_ / cat(index, ".log"));
  if (!eventually([&] { return tell(index, {"PING"}).has_value(); })) {
    throw std::runtime_error(members_[index].address + " does not answer");
  }
}

void RedisServers::resume(std::size_t index) { running_[index]->signal(SIGCONT); }

}  // namespace panshi
