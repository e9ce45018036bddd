// SPDX-License-Identifier: Apache-2.0
#include "agents/supervisor/service_runner.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <future>
#include <memory>
#include <thread>

#include "agents/supervisor/systemd_unit.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/log.h"

namespace panshi::agent {
namespace {

constexpr auto kKilledWithin = std::chrono::seconds(5);    // after SIGKILL
constexpr auto kSystemdWithin = std::chrono::seconds(90);  // systemd's own bound of a stop

// The group outlives its leader when the service forked. The leader's pid names the group for as
// long as it has members, so this cannot hit a stranger.
void kill_rest_of_group(pid_t leader) { (void)::kill(-leader, SIGKILL); }

void kill_and_wait(const ProcessName& process) {
  (void)signal_group(process, SIGKILL);
  const auto deadline = std::chrono::steady_clock::now() + kKilledWithin;
  while (is_alive(process) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace

std::map<std::string, std::string> base_environment(const AgentConfig& config) {
  std::map<std::string, std::string> env;
  for (const char* name : {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "USER", "LOGNAME"}) {
    if (const char* value = std::getenv(name)) env[name] = value;
  }
  env.try_emplace("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin");
  env["PANSHI_NODE"] = config.node;
  env["PANSHI_STATE"] = config.state.string();
  return env;
}

ServiceRunner::ServiceRunner(const AgentConfig& config, const ServiceFiles& files,
                             StartChanges& changes, ProcessRunner& processes, OnExit on_exit)
    : config_(config),
      files_(files),
      changes_(changes),
      processes_(processes),
      on_exit_(std::move(on_exit)) {
  if (!config_.cgroups) return;
  if (auto opened = ServiceCgroups::open(config_.state)) {
    cgroups_ = std::move(*opened);
  } else {
    log_warn(cat("services get no control groups: ", opened.error().message));
  }
}

std::vector<SupervisorInput> ServiceRunner::recover() {
  std::vector<SupervisorInput> inputs;
  const std::vector<FoundProcess> started = find_started_services(files_);
  for (const ServiceConfig& service : config_.services) {
    if (service.unit.empty() && files_.is_prepared(service.name, service.prepare)) {
      inputs.push_back(input::Prepared{service.name});
    }
    if (files_.is_kept_stopped(service.name)) {
      inputs.push_back(input::StoppedBefore{service.name});
    }
    auto running = find_running(service.name, started);
    if (!running) continue;
    if (running->preparing) {
      log_warn(cat("service ", service.name, ": ending prepare command, pid ", running->process.pid,
                   ", that outlived its agent"));
      kill_and_wait(running->process);
      continue;
    }
    const auto adopted =
        processes_.adopt(running->process, exit_handler(service.name, running->process));
    if (!adopted) continue;  // it ended just now
    // Without its record it is found by its environment, as it was just now.
    if (auto written = files_.write(service.name, *running); !written) {
      log_warn(cat("service ", service.name, ": ", written.error().message));
    }
    // Its agent may have died between starting it and giving it a group.
    if (service.unit.empty()) cgroups_.join(service.name, running->process.pid);
    log_info(cat("service ", service.name, ": adopted pid ", running->process.pid));
    inputs.push_back(input::Adopt{service.name, running->process, running->ready});
  }
  return inputs;
}

std::optional<ServiceRecord> ServiceRunner::find_running(
    const std::string& service, const std::vector<FoundProcess>& started) const {
  const auto record = files_.read(service);
  if (record && is_alive(record->process)) return *record;
  // Its last start was recorded, and that process has ended: whoever has its nonce now was told it
  // by that process.
  if (record && record->launch == files_.launch_of(service)) return std::nullopt;
  for (const FoundProcess& found : started) {
    const ServiceConfig& known = *config_.service(service);
    const uid_t first = known.user ? known.user->user : ::getuid();
    const uid_t then = known.becomes ? known.becomes->user : first;
    if (found.name != service || (found.user != first && found.user != then)) continue;
    // Launched, but not recorded: only a service that needs no preparing is surely the service.
    const bool preparing = !known.unit.empty() ||
                           (!known.prepare.empty() && !files_.is_prepared(service, known.prepare));
    return ServiceRecord{found.process, preparing, false};
  }
  return std::nullopt;
}

Result<ProcessSpec> ServiceRunner::spec_of(const ServiceConfig& service,
                                           std::optional<std::size_t> prepare) {
  ProcessSpec spec;
  spec.env = base_environment(config_);
  spec.env["PANSHI_SERVICE"] = service.name;
  ASSIGN_OR_RETURN(spec.env["PANSHI_NONCE"], files_.begin_launch(service.name));
  spec.directory = config_.state;
  set_user(spec, service.user);
  for (const auto& [name, value] : service.env) spec.env[name] = value;
  for (const auto& [name, secret] : service.env_secrets) {
    ASSIGN_OR_RETURN(spec.env[name], secret.read());
  }
  spec.log_file = files_.log_of(service.name);
  if (!service.unit.empty()) {
    CHECK_BUG(prepare.has_value());
    spec.argv = unit_step(config_.systemctl, service.unit, *prepare);
    if (*prepare != kUnitAsk) return spec;
    spec.log_file = files_.unit_of(service.name);
    std::error_code absent;  // it would be appended to
    std::filesystem::remove(spec.log_file, absent);
    return spec;
  }
  spec.argv = prepare ? service.prepare[*prepare] : service.command;
  if (!prepare) change(service.name, spec);
  return spec;
}

SupervisorInput ServiceRunner::take_unit(const ServiceConfig& service) {
  const auto take = [&]() -> Result<ProcessName> {
    ASSIGN_OR_RETURN(const pid_t pid, main_process(files_.unit_of(service.name), service.unit));
    ASSIGN_OR_RETURN(const ProcessName process, name_process(pid));
    if (auto kept = files_.write(service.name, {process, false, false}); !kept) {
      return tl::unexpected(kept.error());
    }
    const auto on_exit = [this, name = service.name, process](ProcessExit exit) {
      on_exit_({name, process, exit});  // the rest of the unit is systemd's to end
    };
    if (auto watched = processes_.adopt(process, on_exit); !watched) {
      return tl::unexpected(watched.error());
    }
    return process;
  };
  const auto process = take();
  if (process) return input::Launched{service.name, *process};
  log_error(cat("service ", service.name, ": ", process.error().message));
  return input::LaunchFailed{service.name, process.error().message};
}

SupervisorInput ServiceRunner::launch(const output::Launch& launch) {
  const ServiceConfig& service = *config_.service(launch.service);
  if (!service.unit.empty() && !launch.prepare) return take_unit(service);
  const Result<ProcessSpec> spec = spec_of(service, launch.prepare);
  if (!spec) return input::LaunchFailed{service.name, spec.error().message};
  // The exit may be reported before launch() has returned the name it belongs to.
  auto name = std::make_shared<std::promise<ProcessName>>();
  auto process = processes_.launch(
      *spec, [this, service = service.name, named = name->get_future().share()](ProcessExit exit) {
        kill_rest_of_group(named.get().pid);
        cgroups_.end(service);
        on_exit_({service, named.get(), exit});
      });
  if (!process) {
    log_error(cat("service ", service.name, ": cannot start ", spec->argv[0], ": ",
                  process.error().message));
    return input::LaunchFailed{service.name, process.error().message};
  }
  // Before its exit may be told, which ends the group.
  cgroups_.join(service.name, process->pid);
  name->set_value(*process);
  const ServiceRecord record{*process, launch.prepare.has_value(), false};
  if (auto written = files_.write(service.name, record); !written) {
    (void)signal_group(*process, SIGKILL);
    log_error(cat("service ", service.name, ": ", written.error().message));
    return input::LaunchFailed{service.name, "cannot record it: " + written.error().message};
  }
  return input::Launched{service.name, *process};
}

// With the mark of Machine::start_helper(), so that it is found when the fault ends.
void ServiceRunner::change(const std::string& service, ProcessSpec& spec) {
  const auto change = changes_.take(service);
  if (!change) return;
  if (!change->command.empty()) spec.argv = change->command;
  for (const auto& [name, value] : change->env) {
    std::string& now = spec.env[name];
    now = name == "LD_PRELOAD" && !now.empty() ? cat(value, ":", now) : value;
  }
  spec.env["PANSHI_FAULT"] = change->fault;
  spec.env["PANSHI_FAULT_STATE"] = config_.state.string();
}

void ServiceRunner::tell_systemd(const ServiceConfig& service, int signal) {
  ProcessSpec spec;
  spec.argv = unit_stop(config_.systemctl, service.unit, signal);
  spec.env = base_environment(config_);
  processes_.run(spec, kSystemdWithin, [name = service.name](const ScriptResult& result) {
    if (result.exit.code == 0 && !result.timed_out) return;
    log_error(cat("service ", name,
                  ": systemctl: ", result.timed_out ? "no answer in time" : result.output));
  });
}

void ServiceRunner::signal(const output::Signal& signal) {
  const ServiceConfig& service = *config_.service(signal.service);
  // A command of `prepare` is a process of ours, the unit's own is not.
  const auto record = files_.read(signal.service);
  if (!service.unit.empty() && !(record && record->preparing)) {
    (void)signal_group(signal.process, SIGCONT);
    return tell_systemd(service, signal.signal);
  }
  auto sent = signal_group(signal.process, signal.signal);
  if (!sent && sent.error().code != ErrorCode::kNotFound) {
    log_error(
        cat("service ", signal.service, ": signal ", signal.signal, ": ", sent.error().message));
  }
  // A frozen process would not see a polite request before it is thawed.
  if (signal.signal != SIGKILL) (void)signal_group(signal.process, SIGCONT);
}

void ServiceRunner::mark_prepared(const std::string& service) {
  const auto& by = config_.service(service)->prepare;
  if (auto marked = files_.mark_prepared(service, by); !marked) {
    log_error(cat("service ", service, ": ", marked.error().message));
  }
}

void ServiceRunner::mark_ready(const std::string& service, const ProcessName& process) {
  if (auto written = files_.write(service, {process, false, true}); !written) {
    log_error(cat("service ", service, ": ", written.error().message));
  }
}

ProcessRunner::OnExit ServiceRunner::exit_handler(std::string service, ProcessName process) {
  const bool ours = config_.service(service)->unit.empty();
  return [this, service = std::move(service), process, ours](ProcessExit exit) {
    if (ours) kill_rest_of_group(process.pid);
    if (ours) cgroups_.end(service);
    on_exit_({service, process, exit});
  };
}

}  // namespace panshi::agent
