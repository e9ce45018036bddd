// SPDX-License-Identifier: Apache-2.0
// RealHost: services that a test started itself, as real processes, and one real MariaDB.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agents/host/host.h"
#include "agents/host/linux_machine.h"
#include "agents/host/linux_network.h"
#include "agents/host/mariadb_session.h"
#include "agents/host/nats_session.h"
#include "agents/host/redis_session.h"
#include "core/base/text.h"
#include "core/io/mariadb.h"
#include "tests/support/process_group.h"

namespace panshi::agent {

class RealHost final : public Host {
 public:
  std::map<std::string, ProcessName> leaders;
  std::optional<MariaDb::Options> database;  // of service `shard`
  std::optional<Redis::Options> redis;       // of service `redis`
  std::string nats_url;                      // of every service
  std::string nats_monitor;
  // What is held may use the parts of this host, so it goes before they do.
  ~RealHost() override { holdings().let_go_all(); }

  int started = 0;    // calls of ensure_running()
  int restarted = 0;  // calls of restart()

  std::vector<std::string> services() override {
    std::vector<std::string> names;
    for (const auto& [name, leader] : leaders) names.push_back(name);
    return names;
  }
  std::vector<std::string> sql_services() override {
    return database ? std::vector<std::string>{"shard"} : std::vector<std::string>{};
  }
  std::vector<std::string> load_services() override { return {}; }
  Result<nlohmann::json> control_load(const std::string&, const std::string&,
                                      const nlohmann::json&) override {
    return fail(ErrorCode::kRefused, "makes no load");
  }
  std::vector<std::string> redis_services() override {
    return redis ? std::vector<std::string>{"redis"} : std::vector<std::string>{};
  }
  Result<std::unique_ptr<RedisSession>> open_redis(const std::string&) override {
    return make_redis_session(*redis);
  }
  Result<std::unique_ptr<RedisSession>> open_redis_at(const std::string&, const std::string& host,
                                                      std::uint16_t port) override {
    return make_redis_session({.host = host, .port = port});
  }
  std::vector<std::string> nats_services() override {
    return nats_url.empty() ? std::vector<std::string>{} : services();
  }
  Result<std::unique_ptr<NatsSession>> open_nats(const std::string&) override {
    return make_nats_session({.url = nats_url}, nats_monitor);
  }
  std::vector<pid_t> untouchable() override { return {1, ::getpid()}; }
  LinkTable* links() override { return nullptr; }
  Machine& machine() override { return *machine_; }
  Network& network() override { return *network_; }
  void set_scope(FaultScope scope) {
    network_.reset();
    machine_ = std::make_unique<LinuxMachine>(std::move(scope), kAgent);
    network_ = std::make_unique<LinuxNetwork>(machine_->scope());
  }
  Result<ProcessName> process_of(const std::string& service) override {
    const auto found = leaders.find(service);
    if (found == leaders.end()) return fail(ErrorCode::kNotFound, "no service " + service);
    if (!is_alive(found->second)) return fail(ErrorCode::kUnavailable, service + " does not run");
    return found->second;
  }
  std::vector<ProcessName> group_of(const ProcessName& leader) override {
    std::vector<ProcessName> all;
    for (const pid_t pid : processes_in_group(leader.pid)) {
      if (const auto name = name_process(pid)) all.push_back(*name);
    }
    return all;
  }
  Status signal(const ProcessName& leader, int signal) override {
    return signal_group(leader, signal);
  }
  Status signal_one(const ProcessName& process, int signal) override {
    return signal_process(process, signal);
  }
  char process_state(const ProcessName& process) override {
    return is_alive(process) ? panshi::process_state(process.pid) : char{0};
  }
  Status ensure_running(const std::string&) override {
    ++started;
    return {};
  }
  Status restart(const std::string&) override {
    ++restarted;
    return {};
  }
  Result<std::unique_ptr<SqlSession>> open_sql(const std::string&) override {
    ASSIGN_OR_RETURN(auto connection, MariaDb::connect(*database));
    return make_sql_session(std::move(connection));
  }

 private:
  static constexpr const char* kAgent = PANSHI_BIN_DIR "/panshi-agent";

  std::unique_ptr<LinuxMachine> machine_ =
      std::make_unique<LinuxMachine>(FaultScope{.node = "here"}, kAgent);
  std::unique_ptr<LinuxNetwork> network_ = std::make_unique<LinuxNetwork>(machine_->scope());
};

}  // namespace panshi::agent
