// SPDX-License-Identifier: Apache-2.0
#include "agents/supervisor/supervisor.h"

#include <algorithm>
#include <csignal>

#include "agents/limits.h"
#include "agents/supervisor/systemd_unit.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

using output::CheckReady;
using output::KeepStopped;
using output::Launch;
using output::MarkPrepared;
using output::MarkReady;
using output::Signal;
using output::Tell;

Tell tell(std::string kind, const ServiceView& service, nlohmann::json more = {}) {
  nlohmann::json data = {{"service", service.name}};
  if (!more.is_null()) data.update(more);
  return {std::move(kind), std::move(data)};
}

nlohmann::json pid_json(const ServiceView& service) {
  return {{"pid", service.process ? service.process->pid : 0}, {"restarts", service.restarts}};
}

// How many commands come before the start. systemd is asked to start a unit, and then which process
// that is: each time, for it may have started another one by itself.
std::size_t to_prepare(const ServiceConfig& config) {
  return config.unit.empty() ? config.prepare.size() : kUnitSteps;
}

std::string how_it_ended(const ProcessExit& exit) {
  if (exit.signal != 0) return cat("was ended by signal ", exit.signal);
  if (exit.adopted) return "ended";
  return cat("ended with code ", exit.code);
}

}  // namespace

std::string_view to_text(ServiceState state) {
  switch (state) {
    case ServiceState::kStopped:
      return "stopped";
    case ServiceState::kPreparing:
      return "preparing";
    case ServiceState::kStarting:
      return "starting";
    case ServiceState::kReady:
      return "ready";
    case ServiceState::kBackoff:
      return "backoff";
    case ServiceState::kStopping:
      return "stopping";
    case ServiceState::kGaveUp:
      return "gave_up";
  }
  return "?";
}

Supervisor::Supervisor(const std::vector<ServiceConfig>& services) {
  for (const ServiceConfig& config : services) {
    Service service;
    service.config = &config;
    service.view.name = config.name;
    services_.push_back(std::move(service));
  }
}

std::vector<SupervisorOutput> Supervisor::step(const SupervisorInput& input, MonoTime now) {
  Outputs out;
  std::visit([&](const auto& item) { on(item, now, out); }, input);
  settle(now, out);
  return out;
}

std::optional<MonoTime> Supervisor::next_deadline() const {
  std::optional<MonoTime> first;
  for (const Service& service : services_) {
    if (service.deadline && (!first || *service.deadline < *first)) first = service.deadline;
  }
  return first;
}

bool Supervisor::all_stopped() const {
  return std::all_of(services_.begin(), services_.end(), [](const Service& service) {
    return service.view.state == ServiceState::kStopped ||
           service.view.state == ServiceState::kGaveUp;
  });
}

std::vector<ServiceView> Supervisor::view() const {
  std::vector<ServiceView> views;
  for (const Service& service : services_) views.push_back(service.view);
  return views;
}

ServiceView Supervisor::view(const std::string& service) const {
  const auto found = std::find_if(services_.begin(), services_.end(),
                                  [&](const Service& item) { return item.view.name == service; });
  CHECK_BUG(found != services_.end());
  return found->view;
}

Supervisor::Service& Supervisor::find(const std::string& name) {
  const auto found = std::find_if(services_.begin(), services_.end(),
                                  [&](const Service& item) { return item.view.name == name; });
  CHECK_BUG(found != services_.end());
  return *found;
}

void Supervisor::on(const input::Adopt& adopt, MonoTime now, Outputs&) {
  CHECK_BUG(!begun_);
  Service& service = find(adopt.service);
  service.view.process = adopt.process;
  service.view.starts = 1;
  enter(service, adopt.ready ? ServiceState::kReady : ServiceState::kStarting, now, std::nullopt);
}

void Supervisor::on(const input::Prepared& prepared, MonoTime, Outputs&) {
  find(prepared.service).prepared = true;
}

void Supervisor::on(const input::StoppedBefore& stopped, MonoTime, Outputs&) {
  Service& service = find(stopped.service);
  service.stopped_on_purpose = true;
  service.view.wanted = false;
}

void Supervisor::on(const input::Begin&, MonoTime now, Outputs& out) {
  begun_ = true;
  for (Service& service : services_) {
    service.view.since = now;
    if (service.stopped_on_purpose && service.view.process) {
      stop(service, AfterStop::kStay, now, out);  // its agent died before it had ended
    }
    if (service.view.state != ServiceState::kStarting) continue;
    if (service.config->ready) {
      service.deadline = now + service.config->ready_within;
      out.push_back(CheckReady{service.view.name, true});
    } else {
      become_ready(service, now, out);
    }
  }
}

void Supervisor::on(const input::Launched& launched, MonoTime now, Outputs& out) {
  Service& service = find(launched.service);
  service.view.process = launched.process;
  if (service.view.state == ServiceState::kPreparing) return;
  CHECK_BUG(service.view.state == ServiceState::kStarting);
  ++service.view.starts;
  out.push_back(tell("service.starting", service.view, pid_json(service.view)));
  if (service.config->ready) {
    out.push_back(CheckReady{service.view.name, true});
  } else {
    become_ready(service, now, out);
  }
}

void Supervisor::on(const input::LaunchFailed& refused, MonoTime now, Outputs& out) {
  failed(find(refused.service), refused.why, now, out);
}

void Supervisor::on(const input::Exited& exited, MonoTime now, Outputs& out) {
  Service& service = find(exited.service);
  if (service.view.process != exited.process) return;  // an earlier one, dealt with already
  const pid_t pid = exited.process.pid;
  const ServiceState state = service.view.state;
  service.view.process.reset();
  if (state == ServiceState::kStopping) return stopping_ended(service, pid, now, out);
  if (state == ServiceState::kPreparing) return prepare_ended(service, exited.exit, now, out);

  CHECK_BUG(state == ServiceState::kStarting || state == ServiceState::kReady);
  if (state == ServiceState::kStarting && service.config->ready) {
    out.push_back(CheckReady{service.view.name, false});
  }
  out.push_back(tell("service.exited", service.view,
                     {{"pid", pid}, {"code", exited.exit.code}, {"signal", exited.exit.signal}}));
  if (service.config->restart.always) {
    return failed(service, how_it_ended(exited.exit), now, out);
  }
  service.view.wanted = false;
  service.view.why = how_it_ended(exited.exit);
  enter(service, ServiceState::kStopped, now, std::nullopt);
}

void Supervisor::prepare_ended(Service& service, const ProcessExit& exit, MonoTime now,
                               Outputs& out) {
  if (exit.code != 0 || exit.signal != 0) {
    return failed(service, cat("prepare[", service.prepare_step, "] ", how_it_ended(exit)), now,
                  out);
  }
  ++service.prepare_step;
  if (service.prepare_step < to_prepare(*service.config)) {
    service.deadline = now + limits::kPrepareMax;
    out.push_back(Launch{service.view.name, service.prepare_step});
    return;
  }
  service.prepared = true;
  if (service.config->unit.empty()) out.push_back(MarkPrepared{service.view.name});
  launch_itself(service, now, out);
}

void Supervisor::stopping_ended(Service& service, pid_t pid, MonoTime now, Outputs& out) {
  const AfterStop then = service.after_stop;
  service.after_stop = AfterStop::kStay;
  if (then == AfterStop::kFail) return failed(service, service.view.why, now, out);
  enter(service, ServiceState::kStopped, now, std::nullopt);
  out.push_back(tell("service.stopped", service.view, {{"pid", pid}}));
}

void Supervisor::on(const input::ReadySeen& ready, MonoTime now, Outputs& out) {
  Service& service = find(ready.service);
  if (service.view.state == ServiceState::kStarting) become_ready(service, now, out);
}

void Supervisor::on(const input::Want& want, MonoTime now, Outputs& out) {
  Service& service = find(want.service);
  if (want.verb != input::Verb::kStop) {
    if (stopping_all_) return;
    keep_stopped(service, false, out);
    return start_or_restart(service, want.verb, now, out);
  }
  keep_stopped(service, true, out);
  service.view.wanted = false;
  const ServiceState state = service.view.state;
  if (state == ServiceState::kStopping) {
    service.after_stop = AfterStop::kStay;
  } else if (service.view.process.has_value()) {
    stop(service, AfterStop::kStay, now, out);
  } else if (state != ServiceState::kStopped) {
    enter(service, ServiceState::kStopped, now, std::nullopt);
    out.push_back(tell("service.stopped", service.view, {{"pid", 0}}));
  }
}

// Whoever had it stopped while the fault was in force knew why; the fault gives back only what it
// took.
void Supervisor::on(const input::WantByFault& want, MonoTime now, Outputs& out) {
  Service& service = find(want.service);
  if (stopping_all_ || service.stopped_on_purpose) return;
  start_or_restart(service, want.verb, now, out);
}

void Supervisor::keep_stopped(Service& service, bool on, Outputs& out) {
  if (service.stopped_on_purpose == on) return;
  service.stopped_on_purpose = on;
  out.push_back(KeepStopped{service.view.name, on});
}

void Supervisor::start_or_restart(Service& service, input::Verb verb, MonoTime now, Outputs& out) {
  const ServiceState state = service.view.state;
  service.view.wanted = true;
  service.failures.clear();  // a person, a runbook or a fault that ended vouches for it
  if (state == ServiceState::kStopping) {
    service.after_stop = AfterStop::kStart;
  } else if (state == ServiceState::kReady && verb == input::Verb::kRestart) {
    stop(service, AfterStop::kStart, now, out);
  } else if (state == ServiceState::kBackoff || state == ServiceState::kGaveUp) {
    enter(service, ServiceState::kStopped, now, std::nullopt);
  }
}

void Supervisor::on(const input::StopAll&, MonoTime now, Outputs& out) {
  stopping_all_ = true;
  for (Service& service : services_) {
    keep_stopped(service, false, out);  // who starts the agent again means all of them
    service.view.wanted = false;
    service.after_stop = AfterStop::kStay;
    if (!service.config->unit.empty()) service.view.process.reset();  // it outlives the agent
    if (!service.view.process && service.view.state != ServiceState::kGaveUp) {
      enter(service, ServiceState::kStopped, now, std::nullopt);
    }
  }
}

void Supervisor::on(const input::Tick&, MonoTime now, Outputs& out) {
  for (Service& service : services_) {
    if (!service.deadline || *service.deadline > now) continue;
    switch (service.view.state) {
      case ServiceState::kBackoff:
        ++service.view.restarts;
        enter(service, ServiceState::kStopped, now, std::nullopt);  // settle() starts it
        break;
      case ServiceState::kPreparing:
        service.view.why = cat("prepare[", service.prepare_step, "] did not end within ",
                               duration_text(limits::kPrepareMax));
        stop(service, AfterStop::kFail, now, out);
        break;
      case ServiceState::kStarting:
        service.view.why =
            cat("was not ready within ", duration_text(service.config->ready_within));
        stop(service, AfterStop::kFail, now, out);
        break;
      case ServiceState::kStopping:
        service.deadline = now + limits::kKillAgainAfter;
        out.push_back(Signal{service.view.name, *service.view.process, SIGKILL});
        break;
      default:
        service.deadline.reset();
    }
  }
}

void Supervisor::enter(Service& service, ServiceState state, MonoTime now,
                       std::optional<Duration> within) {
  service.view.state = state;
  service.view.since = now;
  service.deadline.reset();
  if (within) service.deadline = now + *within;
}

void Supervisor::start(Service& service, MonoTime now, Outputs& out) {
  if (!to_prepare(*service.config) || (service.prepared && service.config->unit.empty())) {
    return launch_itself(service, now, out);
  }
  service.prepare_step = 0;
  enter(service, ServiceState::kPreparing, now, limits::kPrepareMax);
  out.push_back(Launch{service.view.name, service.prepare_step});
}

void Supervisor::launch_itself(Service& service, MonoTime now, Outputs& out) {
  enter(service, ServiceState::kStarting, now, service.config->ready_within);
  out.push_back(Launch{service.view.name, std::nullopt});
}

void Supervisor::become_ready(Service& service, MonoTime now, Outputs& out) {
  enter(service, ServiceState::kReady, now, std::nullopt);
  service.view.why.clear();
  if (service.config->ready) out.push_back(CheckReady{service.view.name, false});
  out.push_back(MarkReady{service.view.name});
  out.push_back(tell("service.ready", service.view, pid_json(service.view)));
}

void Supervisor::stop(Service& service, AfterStop then, MonoTime now, Outputs& out) {
  CHECK_BUG(service.view.process.has_value());
  if (service.view.state == ServiceState::kStarting && service.config->ready) {
    out.push_back(CheckReady{service.view.name, false});
  }
  service.after_stop = then;
  enter(service, ServiceState::kStopping, now, service.config->stop.within);
  out.push_back(Signal{service.view.name, *service.view.process, service.config->stop.signal});
}

void Supervisor::failed(Service& service, std::string why, MonoTime now, Outputs& out) {
  service.view.why = std::move(why);
  const RestartPolicy& policy = service.config->restart;
  while (!service.failures.empty() && service.failures.front() + policy.within <= now) {
    service.failures.pop_front();
  }
  service.failures.push_back(now);
  const auto failures = static_cast<int>(service.failures.size());
  if (!policy.always || failures > policy.give_up_after) {
    enter(service, ServiceState::kGaveUp, now, std::nullopt);
    out.push_back(tell("service.gave_up", service.view,
                       {{"restarts", service.view.restarts}, {"why", service.view.why}}));
    return;
  }
  Duration wait = policy.backoff;
  for (int i = 1; i < failures && wait < policy.backoff_max; ++i) wait *= 2;
  wait = std::min(wait, policy.backoff_max);
  enter(service, ServiceState::kBackoff, now, wait);
  out.push_back(
      tell("service.backoff", service.view,
           {{"wait_ms", std::chrono::duration_cast<std::chrono::milliseconds>(wait).count()},
            {"why", service.view.why}}));
}

void Supervisor::settle(MonoTime now, Outputs& out) {
  if (!begun_) return;
  for (Service& service : services_) {
    const std::string& name = service.view.name;
    if (stopping_all_) {
      const bool in_use =
          std::any_of(services_.begin(), services_.end(), [&](const Service& other) {
            const auto& after = other.config->after;
            return other.view.process && std::find(after.begin(), after.end(), name) != after.end();
          });
      if (service.view.process && service.view.state != ServiceState::kStopping && !in_use) {
        stop(service, AfterStop::kStay, now, out);
      }
    } else if (service.view.state == ServiceState::kStopped && service.view.wanted) {
      const auto& after = service.config->after;
      const bool may_start = std::all_of(after.begin(), after.end(), [&](const auto& other) {
        return find(other).view.state == ServiceState::kReady;
      });
      if (may_start) start(service, now, out);
    }
  }
}

}  // namespace panshi::agent
