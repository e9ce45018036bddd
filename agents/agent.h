// SPDX-License-Identifier: Apache-2.0
// Agent: one node's agent put together: supervisor, probes, links, faults, actions and their API.
//
// The thread that calls run() is `loop`; it owns the supervisor and the probes' state. Everything
// else posts to it. Starting: links and port first, so that what is taken is told before anything
// runs (of an agent that takes another's place: is late), then faults an earlier run left behind
// are reverted, then services are adopted and started. Stopping: every fault is reverted, then
// services stop in order.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agents/access.h"
#include "agents/account_trials.h"
#include "agents/actions/action_desk.h"
#include "agents/api/epoch_gate.h"
#include "agents/api/event_feed.h"
#include "agents/config/config.h"
#include "agents/faults/fault_book.h"
#include "agents/host/linux_host.h"
#include "agents/late_starts.h"
#include "agents/link_health.h"
#include "agents/links/link_table.h"
#include "agents/loop.h"
#include "agents/probes/board.h"
#include "agents/probes/prober.h"
#include "agents/spare_memory.h"
#include "agents/supervisor/log_rotator.h"
#include "agents/supervisor/service_files.h"
#include "agents/supervisor/service_runner.h"
#include "agents/supervisor/supervisor.h"
#include "agents/supervisor/waits.h"
#include "agents/toxiproxy/proxy_book.h"
#include "core/io/http_server.h"
#include "core/io/process.h"
#include "core/io/service_manager.h"

namespace panshi::agent {

// The options of the node's fault book, the same in the agent, `revert-all` and `fsck`.
FaultBook::Options fault_options(const AgentConfig& config);

class Agent final : private ActionPorts {
 public:
  struct Watchers {                                // who sees to it that the agent moves
    std::function<void(MonoTime by)> moving = {};  // FaultBook::Options::on_moving
    ServiceManager* manager = nullptr;             // null: nobody
    // Started by a guardian or a manager, not by a person who reads why it could not: what listens
    // on a port that is taken is late, and nothing else waits for it.
    bool may_be_late = false;
  };
  // Takes port, links and state; starts no service yet. `config` must outlive the agent.
  static Result<std::unique_ptr<Agent>> create(const AgentConfig& config, Watchers watchers);
  ~Agent() override;
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // Reverts, adopts, starts, and serves until stop() has done its work.
  void run();
  // Any thread but the loop's: reverts every fault, then has run() stop the services and return.
  void stop();
  // Any thread. Faults keep away from it.
  void set_guardian(pid_t pid) { host_->set_guardian(pid); }

 private:
  Agent(const AgentConfig& config, Watchers watchers);
  Status open();
  Status open_links();
  void tell_rerouted(const std::string& link, const LinkTable::Rerouted& way,
                     const std::string& how);
  void tell_link_listens(const std::string& link, const std::string& why);
  void tell_full(const LinkTable::Full& full);
  void tell_account(const std::string& service, const BadAccount& bad);
  Status open_toxiproxy();
  void begin();
  std::optional<MonoTime> turn();

  // Thread `loop`.
  void supervise(SupervisorInput first);
  void carry_out(const SupervisorOutput& output, std::vector<SupervisorInput>& answers);
  void check_ready(const std::string& service, bool on);
  void tell_service(const output::Tell& tell);
  void take_probe_runs(const std::vector<ProbeRun>& runs);
  void after_step();
  void sample_every_second(MonoTime now);
  void publish(ProbeNews news);
  nlohmann::json services_json() const;
  Status save_marks() const;
  void load_marks();
  void end_actions_left_over();

  // ActionPorts, on the thread `actions`.
  void want(const std::string& service, const std::string& verb, Duration timeout,
            Done done) override;
  Status mark(const std::string& service, const std::string& as) override;
  Result<nlohmann::json> change_link(const LinkOrder& order) override;
  void run(const ProcessSpec& spec, Duration timeout, ProcessRunner::OnScript done) override;
  std::map<std::string, std::string> environment() override;
  std::map<std::string, pid_t> service_pids() override;
  void tell(const std::string& kind, const nlohmann::json& data) override;

  const AgentConfig& config_;
  const Watchers watchers_;
  const SystemClock clock_;
  const ServiceFiles files_;
  EventFeed feed_;
  Loop loop_;
  std::atomic<bool> stopping_ = false;

  Supervisor supervisor_;
  ServiceWaits waits_;
  ProbeBoard board_;
  LateStarts late_;
  std::map<std::string, std::string> marks_;         // service -> ok | degraded
  std::map<std::string, bool> up_;                   // as last sampled
  std::map<std::string, std::string> ready_reason_;  // why the readiness check failed last
  MonoTime next_second_{};
  SpareMemory spare_memory_;
  bool begun_ = false;

  AgentAccess access_;
  std::shared_ptr<Tls> tls_;
  std::unique_ptr<EpochGate> epoch_;
  std::unique_ptr<LinkTable> links_;
  std::unique_ptr<LinkHealth> link_health_;
  std::unique_ptr<toxiproxy::ProxyBook> proxies_;  // these two: null when not configured
  std::unique_ptr<HttpServer> toxiproxy_;
  std::unique_ptr<LinuxHost> host_;
  std::unique_ptr<FaultBook> faults_;
  std::unique_ptr<AccountTrials> accounts_;
  std::unique_ptr<LogRotator> rotator_;
  std::unique_ptr<ProcessRunner> processes_;
  std::unique_ptr<ServiceRunner> runner_;
  std::unique_ptr<Prober> prober_;
  std::unique_ptr<ActionDesk> actions_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace panshi::agent
