// SPDX-License-Identifier: Apache-2.0
// AgentConfig: what one node's agent supervises, probes, carries and may run.
//
// Read once at the start from YAML or JSON (docs/reference/agent-api.md, Configuration) and never
// changed; every mistake in the file is reported together with line and column.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agents/config/fault_scope.h"
#include "agents/config/host_port.h"
#include "agents/config/proxy_permits.h"
#include "agents/probe_target.h"
#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/io/listen_security.h"
#include "core/io/run_as.h"
#include "core/io/secret.h"
#include "core/model/fault_reach.h"

namespace panshi::agent {

using namespace std::chrono_literals;

using Argv = std::vector<std::string>;

struct ReadyCheck {
  ProbeTarget target;
  Duration timeout = 500ms;
};

struct SqlAccount {
  std::string host;
  std::uint16_t port = 3306;
  std::string user;
  Secret password;
  std::filesystem::path socket = {};     // in place of host and port
  std::filesystem::path authority = {};  // by TLS
  PasswordRules rules = {};              // who may be logged in to without, over TCP
};

struct RedisServer {
  std::string host;
  std::uint16_t port = 6379;
  Secret password;
  PasswordRules rules = {};             // who may hear it
  std::vector<std::string> peers = {};  // hosts of its cluster, which may learn the password, too

  // Who else is in the cluster is what the server says, and it may say what it likes.
  bool may_tell_password(const std::string& to) const;
};

struct NatsServer {
  std::string url;   // nats://127.77.5.1:17422, tls://…
  std::string user;  // "": none
  Secret password;
  std::filesystem::path authority = {};  // by TLS
  PasswordRules rules = {};              // who may hear it without
  std::string monitor;  // http://127.77.5.1:17424; "" where the service is no server of NATS
};

struct RestartPolicy {
  bool always = true;        // else a service that ends stays `stopped`
  Duration backoff = 100ms;  // before the first restart, doubled for each exit within `within`
  Duration backoff_max = 5s;
  int give_up_after = 5;  // restarts within `within`
  Duration within = 30s;
};

struct StopPolicy {
  int signal = 15;
  Duration within = 5s;  // then SIGKILL
};

struct ServiceConfig {
  std::string name;
  std::string unit;  // "nginx.service": systemd's; "": started by the agent itself
  std::vector<Argv> prepare;
  Argv command;  // empty for a unit
  std::map<std::string, std::string> env;
  std::map<std::string, Secret> env_secrets;  // the same, from files
  std::optional<RunAs> user;                  // none: the agent's own
  // The command is started as the agent and becomes this user by itself; `user` is none then.
  std::optional<RunAs> becomes;
  std::vector<std::string> after;
  std::optional<ReadyCheck> ready;  // none: ready when started
  Duration ready_within = 20s;
  RestartPolicy restart;
  StopPolicy stop;
  std::optional<SqlAccount> sql;
  std::optional<RedisServer> redis;
  std::optional<NatsServer> nats;
  std::string load;  // "http://127.0.0.1:17770": control API of a load generator; "" for none

  // Whose its processes are; none: the agent's own.
  const std::optional<RunAs>& account() const { return user ? user : becomes; }
};

struct LinkUpstreamConfig {
  std::string name;
  std::string address;
  int weight = 1;
};
// Asked of every upstream of a link, past the link.
struct LinkHealthConfig {
  std::string path;  // of a GET; "": a connection is enough
  Duration every = 1s;
  Duration timeout = 500ms;
  int rise = 2;
  int fall = 2;
  bool reset_when_down = false;  // connections to an upstream that is down; else they go on
};
struct LinkConfig {
  std::string name;
  std::string listen;
  bool http = false;  // it carries HTTP/1, and takes HTTP-aware faults
  std::string source =
      {};              // address that connections to upstreams come from; "": the kernel's choice
  int send_proxy = 0;  // version of the PROXY header that upstreams get; 0: none
  std::vector<std::string> proxies = {};        // addresses whose connections begin with one
  std::vector<LinkUpstreamConfig> upstreams;    // the first one is in use at first
  bool by_weight = false;                       // connections are drawn over them instead
  std::optional<LinkHealthConfig> health = {};  // none: every upstream counts as healthy
  std::string failback = "never";               // never | at_once | held
  Duration failback_hold = 30s;                 // held: after it was healthy for so long
  std::size_t connections_max = 20'000;         // beyond: refused
  std::size_t connections_per_source = 20'000;  // of one client's address; the same
  std::optional<uid_t> account = {};            // who runs the upstreams; else anybody may
};

struct ProbeConfig {
  std::string name;
  std::string service;  // "": of the node, not of a service
  ProbeTarget target;
  Duration every = 1s;
  Duration timeout{};  // at most `every`; 0 in the file: as `every`
  int rise = 2;        // good runs in a row before `up`
  int fall = 2;        // bad runs in a row before not `up`
};

struct ProgramConfig {
  Argv command;  // {name} in an item is replaced by the argument `name`
  Duration timeout = 60s;
  std::optional<RunAs> user = {};
};

// Toxiproxy's API, whose clients send no token: on a loopback address only.
struct ToxiproxyConfig {
  std::string address;
  std::uint16_t port = 0;
  ProxyPermits permits = {};
};

struct AgentConfig {
  std::filesystem::path file;  // as given, made absolute
  std::string node;
  std::string address;
  std::uint16_t port = 0;
  ListenSecurity security;
  std::filesystem::path state;
  std::filesystem::path scripts;  // empty: none
  std::optional<RunAs> scripts_user;
  bool restart_after_crash = false;
  bool cgroups = false;                 // a control group for each service
  std::string systemctl = "systemctl";  // the program
  std::size_t faults_max = 16;
  Duration lease_max = 10min;
  std::vector<std::string> allowed_hosts;  // Host headers besides the address
  std::vector<std::string> signals;        // all that it sends, sorted
  FaultReach reach;                        // what faults can work through
  std::vector<ServiceConfig> services;
  std::vector<LinkConfig> links;
  std::vector<ProbeConfig> probes;
  std::map<std::string, ProgramConfig> programs;
  std::optional<ToxiproxyConfig> toxiproxy;  // none: off

  std::vector<std::filesystem::path> fault_directories;  // folders whose files faults may touch
  std::int64_t memory_reserve = 256 << 20;               // bytes that no fault may take
  std::int64_t disk_reserve = std::int64_t{1} << 30;

  FaultScope fault_scope() const;
  const ServiceConfig* service(const std::string& name) const;  // null when there is none
};

// kInvalid with a line per mistake: "file:line:column: path what is wrong". `file` is where the
// text stands, or stood.
Result<AgentConfig> read_config(const std::string& text, const std::string& file);
// Reads the certificates and every secret that is named: none is missing, wrong, or others' to
// read.
Status check_files(const AgentConfig& config, WallTime now);

// Names in `{…}` of the program's command, sorted, each once.
std::vector<std::string> program_arguments(const ProgramConfig& program);

}  // namespace panshi::agent
