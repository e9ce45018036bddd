// SPDX-License-Identifier: Apache-2.0
// Supervisor: decides when the node's services are prepared, started, restarted and stopped.
//
// step(input, now) -> what to do. Pure: no clock, process, file or thread; the ServiceRunner beside
// it acts. The promises: a service starts only while every one in its `after` is ready and stops
// only once all that list it in `after` have stopped; a service is never started twice; one that
// keeps ending is given up rather than restarted for ever. Owned by the thread `loop`.
#pragma once

#include <cstdint>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agents/config/config.h"
#include "core/base/clock.h"
#include "core/io/process.h"

namespace panshi::agent {

enum class ServiceState { kStopped, kPreparing, kStarting, kReady, kBackoff, kStopping, kGaveUp };
std::string_view to_text(ServiceState state);

namespace input {
struct Adopt {  // before Begin: a process that an earlier run of the agent started
  std::string service;
  ProcessName process;
  bool ready = false;
};
struct Prepared {  // before Begin: its prepare commands have run in this state directory
  std::string service;
};
struct StoppedBefore {  // before Begin: somebody had it stopped, and nobody started it since
  std::string service;
};
struct Begin {};
struct Launched {  // answers Launch
  std::string service;
  ProcessName process;
};
struct LaunchFailed {  // answers Launch
  std::string service;
  std::string why;
};
struct Exited {
  std::string service;
  ProcessName process;
  ProcessExit exit;
};
struct ReadySeen {  // the readiness check succeeded
  std::string service;
};
enum class Verb { kStart, kStop, kRestart };
struct Want {  // REQUIRES: a known service
  std::string service;
  Verb verb;
};
struct WantByFault {  // kStart or kRestart; what somebody had stopped on purpose stays stopped
  std::string service;
  Verb verb;
};
struct StopAll {};
struct Tick {};  // next_deadline() has come
}  // namespace input

using SupervisorInput =
    std::variant<input::Adopt, input::Prepared, input::StoppedBefore, input::Begin, input::Launched,
                 input::LaunchFailed, input::Exited, input::ReadySeen, input::Want,
                 input::WantByFault, input::StopAll, input::Tick>;

namespace output {
struct Launch {  // answer with Launched or LaunchFailed before the next input
  std::string service;
  std::optional<std::size_t> prepare;  // which prepare command; none: the service itself
};
struct MarkPrepared {
  std::string service;
};
struct MarkReady {  // remembered for the next run of the agent
  std::string service;
};
struct KeepStopped {  // remembered, or forgotten, for an agent that comes after a crash
  std::string service;
  bool on;
};
struct Signal {  // to the whole group
  std::string service;
  ProcessName process;
  int signal;
};
struct CheckReady {  // begin (or end) the readiness check
  std::string service;
  bool on;
};
struct Tell {  // an event of docs/reference/agent-api.md
  std::string kind;
  nlohmann::json data;
};
}  // namespace output

using SupervisorOutput =
    std::variant<output::Launch, output::MarkPrepared, output::MarkReady, output::KeepStopped,
                 output::Signal, output::CheckReady, output::Tell>;

struct ServiceView {
  std::string name;
  ServiceState state = ServiceState::kStopped;
  std::optional<ProcessName> process;
  std::int64_t restarts = 0;
  std::uint64_t starts = 0;  // grows with each Launched of the service itself
  bool wanted = true;
  std::string why;  // why it backs off or was given up
  MonoTime since{};
};

class Supervisor {
 public:
  // `services` must outlive this, without cycles in `after`.
  explicit Supervisor(const std::vector<ServiceConfig>& services);

  std::vector<SupervisorOutput> step(const SupervisorInput& input, MonoTime now);
  std::optional<MonoTime> next_deadline() const;
  bool all_stopped() const;
  std::vector<ServiceView> view() const;
  // REQUIRES: a known service.
  ServiceView view(const std::string& service) const;

 private:
  enum class AfterStop { kStay, kStart, kFail };
  struct Service {
    const ServiceConfig* config = nullptr;
    ServiceView view;
    bool prepared = false;
    bool stopped_on_purpose = false;  // by an action, which only another one ends
    std::size_t prepare_step = 0;
    AfterStop after_stop = AfterStop::kStay;
    std::deque<MonoTime> failures;     // within config->restart.within
    std::optional<MonoTime> deadline;  // of the present state
  };
  using Outputs = std::vector<SupervisorOutput>;

  void on(const input::Adopt& adopt, MonoTime now, Outputs& out);
  void on(const input::Prepared& prepared, MonoTime now, Outputs& out);
  void on(const input::StoppedBefore& stopped, MonoTime now, Outputs& out);
  void on(const input::Begin& begin, MonoTime now, Outputs& out);
  void on(const input::Launched& launched, MonoTime now, Outputs& out);
  void on(const input::LaunchFailed& failed, MonoTime now, Outputs& out);
  void on(const input::Exited& exited, MonoTime now, Outputs& out);
  void on(const input::ReadySeen& ready, MonoTime now, Outputs& out);
  void on(const input::Want& want, MonoTime now, Outputs& out);
  void on(const input::WantByFault& want, MonoTime now, Outputs& out);
  void on(const input::StopAll& stop, MonoTime now, Outputs& out);
  void on(const input::Tick& tick, MonoTime now, Outputs& out);

  Service& find(const std::string& name);
  void enter(Service& service, ServiceState state, MonoTime now, std::optional<Duration> within);
  void keep_stopped(Service& service, bool on, Outputs& out);
  void start_or_restart(Service& service, input::Verb verb, MonoTime now, Outputs& out);
  void start(Service& service, MonoTime now, Outputs& out);
  void launch_itself(Service& service, MonoTime now, Outputs& out);
  void become_ready(Service& service, MonoTime now, Outputs& out);
  void stop(Service& service, AfterStop then, MonoTime now, Outputs& out);
  void failed(Service& service, std::string why, MonoTime now, Outputs& out);
  void prepare_ended(Service& service, const ProcessExit& exit, MonoTime now, Outputs& out);
  void stopping_ended(Service& service, pid_t pid, MonoTime now, Outputs& out);
  // Starts what may start, or stops what may stop, now that others changed.
  void settle(MonoTime now, Outputs& out);

  std::vector<Service> services_;
  bool begun_ = false;
  bool stopping_all_ = false;
};

}  // namespace panshi::agent
