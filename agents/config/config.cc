// SPDX-License-Identifier: Apache-2.0
#include "agents/config/config.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <set>

#include "agents/config/config_limits.h"
#include "agents/config/config_parts.h"
#include "agents/limits.h"
#include "agents/probes/kinds/kind.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/base/url.h"
#include "core/io/yaml.h"
#include "core/json/fields.h"
#include "core/model/probe_signals.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

const std::vector<std::string> kStopSignals = {"TERM", "INT", "QUIT", "HUP", "KILL"};
constexpr std::array kStopSignalNumbers = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGKILL};

Argv read_argv(const json& value, const std::string& path, Problems& problems) {
  Argv argv;
  const bool texts = value.is_array() && !value.empty() &&
                     std::all_of(value.begin(), value.end(), [](const json& item) {
                       return item.is_string() &&
                              item.get_ref<const std::string&>().find('\0') == std::string::npos;
                     });
  if (!texts || value.front().get_ref<const std::string&>().empty()) {
    problems.add(path, "must be a list of texts: the program, then its arguments");
    return argv;
  }
  return value.get<Argv>();
}

void need_argv(Fields& in, const char* key, Argv& out) {
  if (const json* value = in.need_value(key))
    out = read_argv(*value, in.path_of(key), in.problems());
}

// The keys of one kind; `in` has the other keys of a probe or readiness check beside them.
const ProbeKind* read_target(Fields& in, ProbeTarget& target, bool with_runs) {
  std::vector<std::string> words;
  for (const ProbeKind& kind : probe_kinds()) {
    if (!with_runs || kind.way != ProbeKind::Way::kKernel) words.emplace_back(kind.name);
  }
  in.need_word("kind", target.kind, words);
  const ProbeKind* kind = find_probe_kind(target.kind);
  if (kind) kind->read(in, target);
  return kind;
}

void read_ready(const json& value, std::string path, Problems& problems, ServiceConfig& service) {
  Fields in(value, std::move(path), problems);
  ReadyCheck check;
  read_target(in, check.target, true);
  in.may("timeout", check.timeout, {1ms, 1min});
  in.done();
  service.ready = std::move(check);
}

void read_restart(const json& value, std::string path, Problems& problems, RestartPolicy& out) {
  Fields in(value, std::move(path), problems);
  std::string policy = "always";
  std::int64_t give_up_after = out.give_up_after;
  const std::vector<std::string> policies = {"always", "never"};
  in.may_word("policy", policy, policies);
  in.may("backoff", out.backoff, {1ms, 1h});
  in.may("backoff_max", out.backoff_max, {1ms, 1h});
  if (out.backoff > out.backoff_max) {
    in.problem("backoff", cat("is above `backoff_max` (", duration_text(out.backoff), " > ",
                              duration_text(out.backoff_max), "): it would never be waited"));
  }
  in.may("give_up_after", give_up_after, {1, 1'000});
  in.may("within", out.within, {1s, 24h});
  in.done();
  out.always = policy == "always";
  out.give_up_after = static_cast<int>(give_up_after);
}

void read_stop(const json& value, std::string path, Problems& problems, StopPolicy& out) {
  Fields in(value, std::move(path), problems);
  std::string signal = "TERM";
  in.may_word("signal", signal, kStopSignals);
  in.may("within", out.within, {1ms, 10min});
  in.done();
  const auto index = std::find(kStopSignals.begin(), kStopSignals.end(), signal);
  out.signal = kStopSignalNumbers[static_cast<std::size_t>(index - kStopSignals.begin())];
}

void read_env(Fields& in, ServiceConfig& service) {
  std::map<std::string, std::string>& out = service.env;
  const json* env = in.may_value("env");
  if (!env) return;
  if (!env->is_object()) return in.problem("env", "must be an object of texts");
  for (const auto& [name, value] : env->items()) {
    if (value.is_object()) {
      Fields one(*env, in.path_of("env"), in.problems());
      may_secret(one, name.c_str(), service.env_secrets[name]);
      continue;
    }
    if (name.empty() || name.find('=') != std::string::npos || !value.is_string()) {
      in.problem(cat("env.", name), "must be a text, its name without `=`");
      continue;
    }
    out[name] = value.get<std::string>();
  }
}

// The agent's own, by name, is as none.
void read_user(Fields& in, const char* key, std::optional<RunAs>& out) {
  std::string name;
  in.may(key, name);
  if (name.empty()) return;
  auto user = find_user(name);
  if (!user) return in.problem(key, user.error().message);
  if (user->user == ::geteuid()) return;
  if (::geteuid() != 0) return in.problem(key, "only an agent that root runs can be somebody else");
  out = std::move(*user);
}

ServiceConfig read_service(const json& value, const std::string& path, Problems& problems) {
  Fields in(value, path, problems);
  ServiceConfig out;
  need_id(in, "name", out.name);
  if (!read_unit(in, out)) {
    in.may_each("prepare", [&](const json& item, const std::string& at) {
      out.prepare.push_back(read_argv(item, at, problems));
    });
    need_argv(in, "command", out.command);
    read_env(in, out);
    read_user(in, "user", out.user);
    read_user(in, "becomes", out.becomes);
    if (out.user && out.becomes)
      in.problem("becomes", "is for a command without `user`: leave one out");
  }
  in.may("after", out.after);
  if (const json* ready = in.may_value("ready")) {
    read_ready(*ready, in.path_of("ready"), problems, out);
  }
  in.may("ready_within", out.ready_within, {10ms, 1h});
  if (const json* restart = in.may_value("restart")) {
    read_restart(*restart, in.path_of("restart"), problems, out.restart);
  }
  if (const json* stop = in.may_value("stop")) {
    read_stop(*stop, in.path_of("stop"), problems, out.stop);
  }
  if (const json* sql = in.may_value("sql"))
    read_sql_account(*sql, in.path_of("sql"), problems, out);
  if (const json* load = in.may_value("load")) {
    Fields control(*load, in.path_of("load"), problems);
    control.need("url", out.load);
    if (has_user(out.load)) control.problem("url", kHoldsNoUser);
    control.done();
  }
  if (const json* redis = in.may_value("redis")) {
    read_redis_server(*redis, in.path_of("redis"), problems, out);
  }
  if (const json* nats = in.may_value("nats"))
    read_nats_server(*nats, in.path_of("nats"), problems, out);
  in.done();
  return out;
}

ProbeConfig read_probe(const json& value, const std::string& path, Problems& problems) {
  Fields in(value, path, problems);
  ProbeConfig out;
  std::int64_t rise = out.rise;
  std::int64_t fall = out.fall;
  need_id(in, "name", out.name);
  in.may("every", out.every, {limits::kProbeEveryMin, limits::kProbeEveryMax});
  in.may("timeout", out.timeout, {1ms, limits::kProbeEveryMax});
  in.may("rise", rise, {1, 100});
  in.may("fall", fall, {1, 100});
  const ProbeKind* kind = read_target(in, out.target, false);
  if (kind && kind->of_node) {
    in.may("service", out.service);
  } else {
    in.need("service", out.service);
  }
  in.done();
  out.rise = static_cast<int>(rise);
  out.fall = static_cast<int>(fall);
  if (out.timeout == Duration{}) out.timeout = out.every;
  if (out.timeout > out.every) {
    in.problem("timeout", cat("must be at most `every` (", duration_text(out.every), "), not ",
                              duration_text(out.timeout)));
  }
  return out;
}

void read_programs(Fields& in, AgentConfig& config) {
  const json* programs = in.may_value("programs");
  if (!programs) return;
  if (!programs->is_object() || programs->size() > limits::kProgramsMax) {
    return in.problem("programs", cat("must be an object of at most ", limits::kProgramsMax));
  }
  for (const auto& [name, value] : programs->items()) {
    const std::string path = in.path_of(cat("programs.", name));
    if (!is_id(name)) in.problems().add(path, "is not a name for a program");
    Fields program(value, path, in.problems());
    ProgramConfig out;
    need_argv(program, "command", out.command);
    program.may("timeout", out.timeout, {1ms, limits::kActionTimeoutMax});
    read_user(program, "user", out.user);
    program.done();
    config.programs[name] = std::move(out);
  }
}

template <class T>
void refuse_twice(const std::vector<T>& items, std::string_view list, Problems& problems) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!items[i].name.empty() && !names.insert(items[i].name).second) {
      problems.add(cat(list, "[", i, "].name"), cat("`", items[i].name, "` is there twice"));
    }
  }
}

// A service that waits for itself, by way of others, would never start.
bool waits_for(const AgentConfig& config, const std::string& from, const std::string& to,
               std::set<std::string>& seen) {
  const ServiceConfig* service = config.service(from);
  if (!service || !seen.insert(from).second) return false;
  return std::any_of(service->after.begin(), service->after.end(), [&](const std::string& next) {
    return next == to || waits_for(config, next, to, seen);
  });
}

// Two that listen at one place: the second could not start.
void check_listeners(const AgentConfig& config, Problems& problems) {
  std::map<std::string, std::string> taken = {
      {cat(config.address, ":", config.port), "the agent's own API"}};
  const auto take = [&](const std::string& address, const std::string& path,
                        const std::string& whose) {
    const auto [there, is_new] = taken.emplace(address, whose);
    if (!address.empty() && !is_new) {
      problems.add(path, cat("`", address, "` is where ", there->second, " listens"));
    }
  };
  if (config.toxiproxy) {
    take(cat(config.toxiproxy->address, ":", config.toxiproxy->port), "toxiproxy.listen",
         "Toxiproxy's API");
  }
  for (std::size_t i = 0; i < config.links.size(); ++i) {
    const LinkConfig& link = config.links[i];
    take(link.listen, cat("links[", i, "].listen"), cat("link `", link.name, "`"));
  }
}

void check_references(const AgentConfig& config, Problems& problems) {
  std::vector<std::string> names;
  for (const ServiceConfig& service : config.services) names.push_back(service.name);
  const auto must_exist = [&](const std::string& name, const std::string& path) {
    if (name.empty() || config.service(name)) return;
    problems.add(path,
                 cat("`", name, "` is not a service of this node", did_you_mean(name, names)));
  };
  for (std::size_t i = 0; i < config.services.size(); ++i) {
    const ServiceConfig& service = config.services[i];
    for (std::size_t j = 0; j < service.after.size(); ++j) {
      must_exist(service.after[j], cat("services[", i, "].after[", j, "]"));
    }
    std::set<std::string> seen;
    if (waits_for(config, service.name, service.name, seen)) {
      problems.add(cat("services[", i, "].after"),
                   cat("`", service.name, "` would wait for itself for ever"));
    }
  }
  std::set<std::string> signals;
  for (const std::string& name : names) signals.insert(name + ".up");
  for (std::size_t i = 0; i < config.probes.size(); ++i) {
    const ProbeConfig& probe = config.probes[i];
    must_exist(probe.service, cat("probes[", i, "].service"));
    if (!signals.insert(probe.name + ".up").second) {
      problems.add(cat("probes[", i, "].name"),
                   cat("`", probe.name,
                       "` is a service or probe already: both would send the "
                       "signal `",
                       probe.name, ".up`"));
    }
    if (const ProbeKind* kind = find_probe_kind(probe.target.kind)) {
      for (const ProbeSignal& signal : kind->signals)
        signals.insert(cat(probe.name, ".", signal.name));
    }
    for (const auto& [signal, pointer] : probe.target.pointers) {
      if (signals.insert(signal).second) continue;
      problems.add(cat("probes[", i, "].signals.", signal), "is sent by another probe already");
    }
  }
}

template <class T>
void read_list(Fields& in, const char* key, std::vector<T>& out, std::size_t max,
               T (*read_item)(const json&, const std::string&, Problems&)) {
  in.may_each(key, [&](const json& item, const std::string& path) {
    if (out.size() == max) return in.problem(key, cat("must be at most ", max));
    if (out.size() < max) out.push_back(read_item(item, path, in.problems()));
  });
  refuse_twice(out, key, in.problems());
}

AgentConfig read_root(const json& root, Problems& problems) {
  Fields in(root, "", problems);
  AgentConfig config;
  need_id(in, "node", config.node);
  in.need("address", config.address);
  if (!config.address.empty() && !is_ipv4(config.address)) {
    in.problem("address", cat("`", config.address, "` must be an IPv4 address"));
  }
  read_port(in, "port", config.port, true);
  config.security = read_listen_security(in, "", config.address);
  std::string state;
  std::string scripts;
  in.need("state", state);
  in.may("scripts", scripts);
  read_user(in, "scripts_user", config.scripts_user);
  config.state = state;
  config.scripts = scripts;
  in.may("restart_after_crash", config.restart_after_crash);
  in.may("cgroups", config.cgroups);
  in.may("systemctl", config.systemctl);
  in.may("allowed_hosts", config.allowed_hosts);
  if (const json* bounds = in.may_value("limits")) read_limits(*bounds, config, problems);
  read_list(in, "services", config.services, limits::kServicesMax, &read_service);
  read_list(in, "links", config.links, limits::kLinksMax, &read_link);
  read_list(in, "probes", config.probes, limits::kProbesMax, &read_probe);
  read_programs(in, config);
  if (const json* toxiproxy = in.may_value("toxiproxy")) {
    read_toxiproxy(*toxiproxy, problems, config);
  }
  in.done();
  check_references(config, problems);
  check_listeners(config, problems);
  if (config.toxiproxy) config.toxiproxy->permits.kept = kept_ports(config);
  return config;
}

// Paths in the file are relative to the file, so a moved folder keeps working.
std::filesystem::path beside(const std::filesystem::path& file, const std::filesystem::path& path) {
  if (path.empty()) return path;
  return (file.parent_path() / path).lexically_normal();
}

void place_beside(const std::filesystem::path& file, Secret& secret) {
  if (!secret.empty()) secret = Secret(beside(file, secret.file()));
}

void place_beside(const std::filesystem::path& file, ProbeTarget& target) {
  target.authority = beside(file, target.authority).string();
  target.socket = beside(file, target.socket).string();
  place_beside(file, target.password);
}

void place_beside(const std::filesystem::path& file, ServiceConfig& service) {
  if (service.ready) place_beside(file, service.ready->target);
  if (service.sql) {
    place_beside(file, service.sql->password);
    service.sql->socket = beside(file, service.sql->socket);
    service.sql->authority = beside(file, service.sql->authority);
  }
  if (service.redis) place_beside(file, service.redis->password);
  if (service.nats) {
    place_beside(file, service.nats->password);
    service.nats->authority = beside(file, service.nats->authority);
  }
  for (auto& [name, secret] : service.env_secrets) place_beside(file, secret);
}

Result<AgentConfig> from_document(const Document& document) {
  Problems problems;
  AgentConfig config = read_root(document.root, problems);
  if (!problems.empty()) return fail(ErrorCode::kInvalid, problems_text(problems, document));
  name_accounts(config);
  config.file = std::filesystem::absolute(document.file);
  config.signals = signals_of_agent(document.root);
  config.reach = reach_of_agent(document.root);
  config.state = beside(config.file, config.state);
  config.scripts = beside(config.file, config.scripts);
  if (config.security.tls) {
    TlsFiles& files = *config.security.tls;
    for (auto* each : {&files.certificate, &files.key, &files.authority, &files.revoked}) {
      *each = beside(config.file, *each);
    }
  }
  config.reach.directories.emplace();
  for (ProbeConfig& probe : config.probes) place_beside(config.file, probe.target);
  for (ServiceConfig& service : config.services) place_beside(config.file, service);
  for (auto& folder : config.fault_directories) {
    folder = beside(config.file, folder);
    config.reach.directories->push_back(folder.string());
  }
  return config;
}

}  // namespace

bool RedisServer::may_tell_password(const std::string& to) const {
  return to == host || std::find(peers.begin(), peers.end(), to) != peers.end();
}

FaultScope AgentConfig::fault_scope() const {
  std::set<uid_t> users = {::getuid()};
  for (const ServiceConfig& service : services) {
    if (service.account()) users.insert(service.account()->user);
  }
  return {.node = node,
          .state = state,
          .directories = fault_directories,
          .memory_reserve = memory_reserve,
          .disk_reserve = disk_reserve,
          .address = address,
          .port = port,
          .systemctl = systemctl,
          .users = std::move(users)};
}

const ServiceConfig* AgentConfig::service(const std::string& name) const {
  const auto found = std::find_if(services.begin(), services.end(),
                                  [&](const ServiceConfig& item) { return item.name == name; });
  return found == services.end() ? nullptr : &*found;
}

Status check_files(const AgentConfig& config, WallTime now) {
  if (const auto tls = load_tls(config.security, cat("node/", config.node), now); !tls) {
    return tl::unexpected(tls.error());
  }
  std::vector<const Secret*> all;
  for (const ProbeConfig& probe : config.probes) all.push_back(&probe.target.password);
  for (const ServiceConfig& service : config.services) {
    if (service.ready) all.push_back(&service.ready->target.password);
    if (service.sql) all.push_back(&service.sql->password);
    if (service.redis) all.push_back(&service.redis->password);
    if (service.nats) all.push_back(&service.nats->password);
    for (const auto& [name, secret] : service.env_secrets) all.push_back(&secret);
  }
  for (const Secret* secret : all) {
    if (const auto text = secret->read(); !text) return tl::unexpected(text.error());
  }
  return {};
}

Result<AgentConfig> read_config(const std::string& text, const std::string& file) {
  ASSIGN_OR_RETURN(const Document document, read_yaml(text, file));
  return from_document(document);
}

std::vector<std::string> program_arguments(const ProgramConfig& program) {
  std::set<std::string> names;
  for (const std::string& item : program.command) {
    std::size_t open = item.find('{');
    while (open != std::string::npos) {
      const std::size_t close = item.find('}', open);
      if (close == std::string::npos) break;
      const std::string name = item.substr(open + 1, close - open - 1);
      if (is_id(name)) names.insert(name);
      open = item.find('{', open + 1);
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace panshi::agent
