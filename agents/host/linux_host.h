// SPDX-License-Identifier: Apache-2.0
// LinuxHost: the real machine behind Host.
#pragma once

#include <atomic>
#include <functional>

#include "agents/config/config.h"
#include "agents/host/host.h"
#include "agents/host/linux_machine.h"
#include "agents/host/linux_network.h"
#include "agents/supervisor/service_cgroups.h"
#include "agents/supervisor/service_files.h"

namespace panshi::agent {

// What only a running agent has; absent in the guardian and in revert-all. Must not block.
struct Supervision {
  std::function<void(const std::string& service)> ensure_running = {};
  std::function<void(const std::string& service)> restart = {};
};

class LinuxHost final : public Host {
 public:
  // `config` and `links` must outlive this.
  explicit LinuxHost(const AgentConfig& config, Supervision supervision = {},
                     LinkTable* links = nullptr);

  // What is held may use the parts of this host, so it goes before they do.
  ~LinuxHost() override { holdings().let_go_all(); }

  void set_guardian(pid_t pid) { guardian_ = pid; }  // any thread

  std::vector<std::string> services() override;
  Result<ProcessName> process_of(const std::string& service) override;
  Status signal(const ProcessName& process, int signal) override;
  std::vector<ProcessName> group_of(const ProcessName& leader) override;
  Status signal_one(const ProcessName& process, int signal) override;
  std::vector<pid_t> untouchable() override;
  char process_state(const ProcessName& process) override;
  Status ensure_running(const std::string& service) override;
  Status restart(const std::string& service) override;
  std::vector<std::string> sql_services() override;
  Result<std::unique_ptr<SqlSession>> open_sql(const std::string& service) override;
  std::vector<std::string> redis_services() override;
  Result<std::unique_ptr<RedisSession>> open_redis(const std::string& service) override;
  Result<std::unique_ptr<RedisSession>> open_redis_at(const std::string& service,
                                                      const std::string& host,
                                                      std::uint16_t port) override;
  std::vector<std::string> nats_services() override;
  Result<std::unique_ptr<NatsSession>> open_nats(const std::string& service) override;
  std::vector<std::string> load_services() override;
  Result<nlohmann::json> control_load(const std::string& service, const std::string& path,
                                      const nlohmann::json& body) override;
  LinkTable* links() override { return links_; }
  Machine& machine() override { return machine_; }
  Network& network() override { return network_; }

 private:
  Result<const ServiceConfig*> find(const std::string& service) const;

  const AgentConfig& config_;
  const ServiceFiles files_;
  const ServiceCgroups cgroups_;
  const Supervision supervision_;
  LinkTable* const links_;
  LinuxMachine machine_;
  LinuxNetwork network_{machine_.scope()};
  std::atomic<pid_t> guardian_ = 0;
};

}  // namespace panshi::agent
