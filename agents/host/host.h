// SPDX-License-Identifier: Apache-2.0
// Host: everything a fault may do to its node. Faults touch the machine only through it, so tests
// run every fault against a FakeHost and need neither root, processes nor a database.
//
// Works in the agent, in its guardian and in `panshi-agent revert-all` alike: which process a
// service is comes from the state directory, not from a running supervisor. Calls may block (SQL,
// with hard timeouts), so they are made on the threads `fault-N`, never on the loop. Any thread.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/faults/holdings.h"
#include "agents/faults/start_changes.h"
#include "agents/host/machine.h"
#include "agents/host/network.h"
#include "core/base/result.h"
#include "core/io/process.h"
#include "core/io/redis.h"

namespace panshi::agent {

class LinkTable;  // agents/links/link_table.h

// One connection with the service's admin account (`sql` in its configuration).
class SqlSession {
 public:
  using Row = std::vector<std::optional<std::string>>;
  virtual ~SqlSession() = default;
  // One statement, text protocol or prepared. kUnavailable: surely not carried out;
  // kTimeout: unknown, and the session is dead; kRefused: the server said no, with its words.
  virtual Result<std::vector<Row>> run(std::string_view statement) = 0;
  // The same by the names of the columns; NULL is "".
  using NamedRow = std::map<std::string, std::string>;
  virtual Result<std::vector<NamedRow>> run_named(std::string_view statement) = 0;
};

// One connection with the service's Redis server (`redis` in its configuration).
class RedisSession {
 public:
  virtual ~RedisSession() = default;
  // As Redis::run().
  virtual Result<RedisReply> run(const std::vector<std::string>& command) = 0;
};

// One connection with the NATS server that the service is, or uses (`nats` in its configuration).
class NatsSession {
 public:
  virtual ~NatsSession() = default;
  // One request of the JetStream API, `$JS.API.` before it; an object. kNotFound: there is no such
  // stream or consumer; kRefused: the server said no, with its words; kUnavailable: nobody answers
  // for it; kTimeout: unknown.
  virtual Result<nlohmann::json> ask(const std::string& what, const nlohmann::json& body) = 0;
  // Has a message stored that says which fault it is of. Errors as above.
  virtual Status store(const std::string& subject, const std::string& body,
                       const std::string& fault) = 0;
  // The server's name in its cluster. kRefused: there is no `monitor`, or it does not say.
  virtual Result<std::string> server_name() = 0;
};

class Host {
 public:
  virtual ~Host() = default;

  // Names of the node's services, in configuration order.
  virtual std::vector<std::string> services() = 0;
  // The process that leads the service's group. kNotFound: no such service (lists those there
  // are); kUnavailable: known, but not running now.
  virtual Result<ProcessName> process_of(const std::string& service) = 0;
  // Signals the whole group. kNotFound: it is gone, or the pid is another process by now.
  virtual Status signal(const ProcessName& process, int signal) = 0;
  // Every process of the group that `leader` leads, itself included; empty when it is gone.
  virtual std::vector<ProcessName> group_of(const ProcessName& leader) = 0;
  // Signals one process alone. kNotFound as for signal().
  virtual Status signal_one(const ProcessName& process, int signal) = 0;
  // Pids that no fault may ever touch: protected_processes() of agents/host/process_choice.h.
  virtual std::vector<pid_t> untouchable() = 0;
  // The letter of /proc stat (R S D T Z); 0 when gone or another process by now.
  virtual char process_state(const ProcessName& process) = 0;
  // Has the supervisor start the service if it is not running or starting, whatever its restart
  // policy, but not one that somebody had stopped on purpose, and returns at once. kNotFound as
  // above; kUnavailable: no supervisor runs here (the
  // guardian, revert-all), the next agent starts its services anyway.
  virtual Status ensure_running(const std::string& service) = 0;
  // Has the supervisor stop the service as it is configured and start it again, and returns at
  // once. Errors as above.
  virtual Status restart(const std::string& service) = 0;
  // Names of the services that have an admin account (`sql`).
  virtual std::vector<std::string> sql_services() = 0;
  // kNotFound as above; kRefused: the service has no `sql`; kUnavailable, kTimeout: not connected.
  virtual Result<std::unique_ptr<SqlSession>> open_sql(const std::string& service) = 0;
  // The same two for services that have an entry `redis`.
  virtual std::vector<std::string> redis_services() = 0;
  virtual Result<std::unique_ptr<RedisSession>> open_redis(const std::string& service) = 0;
  // Another server of the service's cluster, wherever it is; with the service's own password.
  virtual Result<std::unique_ptr<RedisSession>> open_redis_at(const std::string& service,
                                                              const std::string& host,
                                                              std::uint16_t port) = 0;
  // The same two for services that have an entry `nats`.
  virtual std::vector<std::string> nats_services() = 0;
  virtual Result<std::unique_ptr<NatsSession>> open_nats(const std::string& service) = 0;
  // Names of the services that make load and can be told how much (`load`).
  virtual std::vector<std::string> load_services() = 0;
  // One call of the generator's control API: POST of `body`, GET when it is null; an object.
  // kNotFound as above; kRefused: no `load`, or it said no; kUnavailable: nobody is there, and
  // kTimeout: unknown
  virtual Result<nlohmann::json> control_load(const std::string& service, const std::string& path,
                                              const nlohmann::json& body) = 0;
  // Null where no links are carried (the guardian, revert-all): what was done to connections there
  // ended with the agent that carried them.
  virtual LinkTable* links() = 0;

  // The node itself, for faults that concern no service.
  virtual Machine& machine() = 0;
  virtual Network& network() = 0;

  // What faults keep hold of in this process. It may use any part of the host, so who derives lets
  // go of it all before its parts go.
  Holdings& holdings() { return holdings_; }
  // How the supervisor of this process starts services otherwise than configured.
  StartChanges& starts() { return starts_; }

 private:
  Holdings holdings_;
  StartChanges starts_;
};

}  // namespace panshi::agent
