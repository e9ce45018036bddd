// SPDX-License-Identifier: Apache-2.0
// FakeHost: a node in memory with one service (`orders`, three processes), one MariaDB service
// (`shard`), and one link (`database`, real, with nobody behind it). Any thread.
#pragma once

#include <csignal>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "agents/host/host.h"
#include "agents/links/link_table.h"
#include "core/base/text.h"
#include "core/model/fault_kinds.h"
#include "tests/unit/agents/faults/fake_load.h"
#include "tests/unit/agents/faults/fake_machine.h"
#include "tests/unit/agents/faults/fake_mariadb.h"
#include "tests/unit/agents/faults/fake_nats.h"
#include "tests/unit/agents/faults/fake_network.h"
#include "tests/unit/agents/faults/fake_redis.h"

namespace panshi::agent {

class FakeHost final : public Host {
 public:
  FakeHost() {
    links_ = std::move(*LinkTable::create());
    (void)links_->open({.name = "database",
                        .listen = "127.103.0.2:0",
                        .upstreams = {{"mariadb-a", "127.103.0.2:1"}},
                        .http = true});
    machine_.list_processes = [this] {
      return group_of({.pid = 100, .start_ticks = incarnation_});
    };
    machine_.restart_unit_as = [this] { return restart("orders"); };
    machine_.start_unit_as = [this] { return ensure_running("orders"); };
  }
  // What is held may use the parts of this host, so it goes before they do.
  ~FakeHost() override { holdings().let_go_all(); }

  // Told of each call that touches the node, before it acts; it may block or refuse.
  Hook on_touch;

  bool healthy() {
    const bool toxics = !links_->links().at(0).toxics.empty();
    if (!machine_.healthy() || !network_.healthy() || starts().size() > 0) return false;
    const std::lock_guard lock(mutex_);
    if (restarted_) return false;
    for (const auto& [pid, state] : processes_) {
      if (state != 'S') return false;
    }
    return !toxics && !processes_.empty() && mariadb->healthy() && redis.healthy() &&
           redis_primary.healthy() && load.healthy() && nats.healthy();
  }

  const std::shared_ptr<FakeMariaDb> mariadb =
      std::make_shared<FakeMariaDb>([this](const std::string& what) { return touch(what); });

  FakeRedis redis{[this](const std::string& what) { return touch(what); }};
  FakeRedis redis_primary{[this](const std::string& what) { return touch(what); }, false};
  FakeNats nats{[this](const std::string& what) { return touch(what); }};
  FakeLoad load{[this](const std::string& what) { return touch(what); }};

  std::vector<std::string> services() override { return {"orders", "shard"}; }
  std::vector<std::string> sql_services() override { return {"shard"}; }
  std::vector<std::string> redis_services() override { return {"orders"}; }
  Result<std::unique_ptr<RedisSession>> open_redis(const std::string& service) override {
    if (auto touched = touch("open_redis"); !touched) return tl::unexpected(touched.error());
    return service == "shard" ? redis_primary.open() : redis.open();
  }
  Result<std::unique_ptr<RedisSession>> open_redis_at(const std::string&, const std::string& host,
                                                      std::uint16_t port) override {
    if (auto touched = touch("open_redis"); !touched) return tl::unexpected(touched.error());
    return redis.open_peer(cat(host, ":", port));
  }
  std::vector<std::string> nats_services() override { return {"orders"}; }
  Result<std::unique_ptr<NatsSession>> open_nats(const std::string&) override {
    if (auto touched = touch("open_nats"); !touched) return tl::unexpected(touched.error());
    return nats.open();
  }
  std::vector<std::string> load_services() override { return {"orders"}; }
  Result<nlohmann::json> control_load(const std::string&, const std::string& path,
                                      const nlohmann::json& body) override {
    return load.call(path, body);
  }
  std::vector<pid_t> untouchable() override { return untouchable_; }
  FakeMachine& machine() override { return machine_; }
  FakeNetwork& network() override { return network_; }
  LinkTable* links() override { return carries_links ? links_.get() : nullptr; }

  Result<ProcessName> process_of(const std::string& service) override {
    if (service != "orders" && service != "shard") {
      return fail(ErrorCode::kNotFound, "no service `" + service + "`; there are: orders, shard");
    }
    const std::lock_guard lock(mutex_);
    if (processes_.empty()) return fail(ErrorCode::kUnavailable, "service orders does not run");
    return ProcessName{.pid = 100, .start_ticks = incarnation_};
  }
  std::vector<ProcessName> group_of(const ProcessName& leader) override {
    const std::lock_guard lock(mutex_);
    std::vector<ProcessName> all;
    if (leader.start_ticks != incarnation_) return all;
    for (const auto& [pid, state] : processes_) all.push_back({pid, incarnation_});
    return all;
  }
  Status signal(const ProcessName& leader, int signal) override {
    if (auto touched = touch(cat("signal ", signal)); !touched) return touched;
    bool known = false;
    for (const ProcessName& each : group_of(leader)) known = deliver(each, signal) || known;
    return known ? Status() : fail(ErrorCode::kNotFound, "gone");
  }
  Status signal_one(const ProcessName& process, int signal) override {
    if (auto touched = touch(cat("signal_one ", signal)); !touched) return touched;
    return deliver(process, signal) ? Status() : fail(ErrorCode::kNotFound, "gone");
  }
  char process_state(const ProcessName& process) override {
    const std::lock_guard lock(mutex_);
    const auto found = processes_.find(process.pid);
    return found == processes_.end() || process.start_ticks != incarnation_ ? char{0}
                                                                            : found->second;
  }
  Status ensure_running(const std::string&) override {
    if (auto touched = touch("ensure_running"); !touched) return touched;
    const std::lock_guard lock(mutex_);
    restarted_ = false;
    if (processes_.empty()) start();
    return {};
  }
  Status restart(const std::string&) override {
    if (auto touched = touch("restart"); !touched) return touched;
    const std::lock_guard lock(mutex_);
    restarted_ = true;
    start();
    return {};
  }
  Result<std::unique_ptr<SqlSession>> open_sql(const std::string& service) override {
    if (auto touched = touch("open_sql"); !touched) return tl::unexpected<Error>(touched.error());
    if (service != "shard") return fail(ErrorCode::kRefused, service + " has no `sql`");
    return mariadb->open();
  }

  bool carries_links = true;
  std::vector<pid_t> untouchable_ = {1, 50};

 private:
  Status touch(const std::string& what) { return on_touch(what); }

  void start() {  // with the mutex held
    ++incarnation_;
    machine_.renew_processes(incarnation_);
    const auto change = starts().take("orders");
    if (change && change->command.empty()) machine_.mark(change->fault);
    processes_ = change && !change->command.empty() ? std::map<pid_t, char>() : kRunning;
  }

  bool deliver(const ProcessName& process, int signal) {
    const std::lock_guard lock(mutex_);
    const auto found = processes_.find(process.pid);
    if (found == processes_.end() || process.start_ticks != incarnation_) return false;
    if (signal == SIGSTOP) found->second = 'T';
    if (signal == SIGCONT) found->second = 'S';
    if (signal == SIGKILL || signal == SIGTERM) {
      machine_.forget(process.pid);
      processes_.erase(found);
    }
    return true;
  }

  const std::map<pid_t, char> kRunning = {{100, 'S'}, {101, 'S'}, {102, 'S'}};
  std::mutex mutex_;
  std::map<pid_t, char> processes_ = kRunning;
  std::uint64_t incarnation_ = 1;
  bool restarted_ = false;  // and nobody has seen to it that it runs
  std::unique_ptr<LinkTable> links_;
  FakeMachine machine_{on_touch};
  FakeNetwork network_{on_touch};
};

// A target for each kind.
inline nlohmann::json sample_target(const std::string& kind, const std::string& key = "") {
  if (key == "process") return {{key, "orders"}};
  if (key == "cgroup") return {{key, "/shop/orders"}};
  if (key == "unit") return {{key, "orders.service"}};
  if (find_fault_kind(kind)->on("node")) return {{"node", "here"}};
  if (find_fault_kind(kind)->on("link")) return {{"link", "database"}};
  const bool of_shard = kind.starts_with("db.") || kind == "redis.expire-keys";
  return {{"service", of_shard ? "shard" : "orders"}};
}

// Parameters where the defaults do not do; the host takes the part that the kind is for.
inline nlohmann::json sample_params(const std::string& kind, FakeHost& host) {
  if (kind == "db.primary-kill") host.mariadb->promote();
  const std::string folder = host.machine().folder().string();
  if (kind == "resource.disk-fill" || kind == "resource.disk-load") return {{"directory", folder}};
  if (kind == "db.lock-table" || kind == "db.metadata-lock") return {{"table", "shop.orders"}};
  if (kind == "queue.leader-stop") return {{"stream", "ORDERS"}};
  if (kind == "queue.consumer-stall") return {{"stream", "ORDERS"}, {"consumer", "worker"}};
  if (kind == "redis.expire-keys") return {{"prefix", "cache:"}};
  if (kind == "queue.fill") return {{"stream", "ORDERS"}, {"subject", "fill.panshi"}};
  if (kind.starts_with("syscall.")) return {{"call", "write"}};
  if (kind.starts_with("file.")) return {{"path", host.machine().file().string()}};
  if (kind == "network.partition" || kind == "network.loss") return {{"address", "192.0.2.1"}};
  if (kind.starts_with("network.port")) return {{"port", 8080}};
  if (kind.starts_with("network.")) return {{"interface", "eth0"}};
  return nullptr;
}

}  // namespace panshi::agent
