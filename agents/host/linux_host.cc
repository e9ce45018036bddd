// SPDX-License-Identifier: Apache-2.0
#include "agents/host/linux_host.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "agents/host/mariadb_session.h"
#include "agents/host/nats_session.h"
#include "agents/host/process_choice.h"
#include "agents/host/redis_session.h"
#include "core/base/struck.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/http_client.h"
#include "core/io/process_table.h"
#include "core/json/fields.h"

namespace panshi::agent {
namespace {

constexpr auto kSqlConnect = std::chrono::seconds(2);
constexpr auto kSqlStatement = std::chrono::seconds(5);
constexpr std::size_t kSqlAnswerMax = 16 << 20;  // bytes: accounts, settings, sessions

Status unsupervised() {
  return fail(ErrorCode::kUnavailable, "no supervisor runs on this node now");
}

}  // namespace

LinuxHost::LinuxHost(const AgentConfig& config, Supervision supervision, LinkTable* links)
    : config_(config),
      files_(config.state),
      cgroups_(config.cgroups ? ServiceCgroups::find(config.state).value_or(ServiceCgroups())
                              : ServiceCgroups()),
      supervision_(std::move(supervision)),
      links_(links),
      machine_(config.fault_scope(), "/proc/self/exe", cgroups_) {}

std::vector<std::string> LinuxHost::services() {
  std::vector<std::string> names;
  for (const ServiceConfig& service : config_.services) names.push_back(service.name);
  return names;
}

Result<const ServiceConfig*> LinuxHost::find(const std::string& service) const {
  if (const ServiceConfig* found = config_.service(service)) return found;
  std::vector<std::string> names;
  for (const ServiceConfig& item : config_.services) names.push_back(item.name);
  return fail(ErrorCode::kNotFound,
              cat("no service `", service, "` on node ", config_.node, did_you_mean(service, names),
                  "; there are: ", join(names, ", ")));
}

Result<ProcessName> LinuxHost::process_of(const std::string& service) {
  ASSIGN_OR_RETURN([[maybe_unused]] const ServiceConfig* known, find(service));
  const auto record = files_.read(service);
  if (!record || record->preparing || !is_alive(record->process)) {
    return fail(ErrorCode::kUnavailable, cat("service ", service, " is not running"));
  }
  return record->process;
}

Status LinuxHost::signal(const ProcessName& process, int signal) {
  const std::vector<pid_t> all = cgroups_.processes_with(process.pid);
  auto sent = signal_group(process, signal);
  if (!sent) return sent;
  for (const pid_t pid : all) {
    if (::getpgid(pid) != process.pid) (void)::kill(pid, signal);  // those that left the group
  }
  return {};
}

std::vector<ProcessName> LinuxHost::group_of(const ProcessName& leader) {
  std::vector<ProcessName> group;
  if (!is_alive(leader)) return group;
  std::vector<pid_t> pids = processes_in_group(leader.pid);
  const std::vector<pid_t> also = cgroups_.processes_with(leader.pid);  // those that left the group
  pids.insert(pids.end(), also.begin(), also.end());
  std::sort(pids.begin(), pids.end());
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  for (const pid_t pid : pids) {
    if (const auto process = name_process(pid)) group.push_back(*process);
  }
  return group;
}

Status LinuxHost::signal_one(const ProcessName& process, int signal) {
  return signal_process(process, signal);
}

std::vector<pid_t> LinuxHost::untouchable() {
  std::vector<pid_t> ours = {::getpid()};
  if (const pid_t guardian = guardian_; guardian != 0) ours.push_back(guardian);
  return protected_processes(list_processes(), ours);
}

char LinuxHost::process_state(const ProcessName& process) {
  return is_alive(process) ? panshi::process_state(process.pid) : '\0';
}

Status LinuxHost::ensure_running(const std::string& service) {
  ASSIGN_OR_RETURN([[maybe_unused]] const ServiceConfig* known, find(service));
  if (!supervision_.ensure_running) return unsupervised();
  supervision_.ensure_running(service);
  return {};
}

Status LinuxHost::restart(const std::string& service) {
  ASSIGN_OR_RETURN([[maybe_unused]] const ServiceConfig* known, find(service));
  if (!supervision_.restart) return unsupervised();
  supervision_.restart(service);
  return {};
}

std::vector<std::string> LinuxHost::sql_services() {
  std::vector<std::string> names;
  for (const ServiceConfig& service : config_.services) {
    if (service.sql) names.push_back(service.name);
  }
  return names;
}

Result<std::unique_ptr<SqlSession>> LinuxHost::open_sql(const std::string& service) {
  ASSIGN_OR_RETURN(const ServiceConfig* config, find(service));
  if (!config->sql) {
    return fail(ErrorCode::kRefused, cat("service ", service, " has no `sql` account configured"));
  }
  ASSIGN_OR_RETURN(const std::string password, config->sql->password.read());
  const SqlAccount& account = *config->sql;
  auto database = MariaDb::connect({.host = account.host,
                                    .port = account.port,
                                    .user = account.user,
                                    .password = password,
                                    .connect_timeout = kSqlConnect,
                                    .statement_timeout = kSqlStatement,
                                    .answer_max = kSqlAnswerMax,
                                    .socket = account.socket,
                                    .authority = account.authority,
                                    .rules = account.rules});
  if (!database) return fail(database.error(), cat("admin connection to ", service));
  return make_sql_session(std::move(*database));
}

std::vector<std::string> LinuxHost::redis_services() {
  std::vector<std::string> names;
  for (const ServiceConfig& service : config_.services) {
    if (service.redis) names.push_back(service.name);
  }
  return names;
}

std::vector<std::string> LinuxHost::load_services() {
  std::vector<std::string> names;
  for (const ServiceConfig& service : config_.services) {
    if (!service.load.empty()) names.push_back(service.name);
  }
  return names;
}

Result<nlohmann::json> LinuxHost::control_load(const std::string& service, const std::string& path,
                                               const nlohmann::json& body) {
  ASSIGN_OR_RETURN(const ServiceConfig* config, find(service));
  if (config->load.empty()) {
    return fail(ErrorCode::kRefused, cat("service ", service, " has no `load` configured"));
  }
  HttpClient client;
  const auto reply = client.send({.method = body.is_null() ? "GET" : "POST",
                                  .url = config->load + path,
                                  .body = body.is_null() ? std::string() : dump_json(body),
                                  .timeout = std::chrono::seconds(3)});
  if (!reply) return fail(reply.error(), cat("control of ", service));
  const auto answer = parse_json(reply->body);
  if (reply->status == 200 && answer && answer->is_object()) return *answer;
  return fail(ErrorCode::kRefused,
              cat(service, " answered ", reply->status, ": ", struck_head(reply->body, 200)));
}

Result<std::unique_ptr<RedisSession>> LinuxHost::open_redis(const std::string& service) {
  ASSIGN_OR_RETURN(const ServiceConfig* config, find(service));
  if (!config->redis) {
    return fail(ErrorCode::kRefused, cat("service ", service, " has no `redis` configured"));
  }
  return open_redis_at(service, config->redis->host, config->redis->port);
}

Result<std::unique_ptr<RedisSession>> LinuxHost::open_redis_at(const std::string& service,
                                                               const std::string& host,
                                                               std::uint16_t port) {
  ASSIGN_OR_RETURN(const ServiceConfig* config, find(service));
  ASSIGN_OR_RETURN(const std::string password,
                   config->redis ? config->redis->password.read() : Result<std::string>());
  if (!password.empty() && !config->redis->may_tell_password(host)) {
    return fail(ErrorCode::kRefused, cat("the password of service ", service,
                                         " goes to no host but its own and those of "
                                         "`redis.peers`, and ",
                                         host, " is not among them"));
  }
  Redis::Options options = {.host = host, .port = port, .password = password};
  if (config->redis) options.rules = config->redis->rules;
  auto session = make_redis_session(options);
  if (!session) return fail(session.error(), cat("admin connection to ", service));
  return session;
}

std::vector<std::string> LinuxHost::nats_services() {
  std::vector<std::string> names;
  for (const ServiceConfig& service : config_.services) {
    if (service.nats) names.push_back(service.name);
  }
  return names;
}

Result<std::unique_ptr<NatsSession>> LinuxHost::open_nats(const std::string& service) {
  ASSIGN_OR_RETURN(const ServiceConfig* config, find(service));
  if (!config->nats) {
    return fail(ErrorCode::kRefused, cat("service ", service, " has no `nats` configured"));
  }
  const NatsServer& server = *config->nats;
  ASSIGN_OR_RETURN(const std::string password, server.password.read());
  auto session = make_nats_session({.url = server.url,
                                    .user = server.user,
                                    .password = password,
                                    .authority = server.authority,
                                    .rules = server.rules},
                                   server.monitor);
  if (!session) return fail(session.error(), cat("admin connection to ", service));
  return session;
}

}  // namespace panshi::agent
