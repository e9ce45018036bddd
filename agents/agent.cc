// SPDX-License-Identifier: Apache-2.0
#include "agents/agent.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <set>
#include <thread>

#include "agents/api/routes.h"
#include "agents/limits.h"
#include "agents/link_spec.h"
#include "agents/toxiproxy/routes.h"
#include "core/base/check.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/local_socket.h"
#include "core/io/log.h"
#include "core/json/fields.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

constexpr std::string_view kLink = "link ";
constexpr std::string_view kReadyProbe = "ready:";  // no name of a probe has a colon
constexpr auto kActionsEndWithin = std::chrono::seconds(2);
// Of faults that cannot be reverted at first: nobody tries again until the next agent.
constexpr auto kInsist = std::chrono::seconds(10);

// Names this run of the agent; it decides nothing, so it needs no seed.
std::string make_start_id() {
  std::random_device random;
  return hex16((std::uint64_t{random()} << 32) | random());
}

std::optional<MonoTime> earlier(std::optional<MonoTime> a, std::optional<MonoTime> b) {
  return !a || !b ? (a ? a : b) : std::min(*a, *b);
}

input::Verb verb_of(const std::string& text) {
  if (text == "start") return input::Verb::kStart;
  return text == "stop" ? input::Verb::kStop : input::Verb::kRestart;
}

}  // namespace

FaultBook::Options fault_options(const AgentConfig& config) {
  FaultBook::Options options;
  options.directory = config.state / "faults";
  options.limits = {.live_max = config.faults_max, .term_max = config.lease_max};
  return options;
}

Agent::Agent(const AgentConfig& config, Watchers watchers)
    : config_(config),
      watchers_(std::move(watchers)),
      files_(config.state),
      feed_(clock_, make_start_id()),
      supervisor_(config.services),
      board_(config.probes),
      late_(watchers_.may_be_late, [this](const std::string& what, const std::string& why) {
        if (what.starts_with(kLink)) tell_link_listens(what.substr(kLink.size()), why);
      }) {}

Result<std::unique_ptr<Agent>> Agent::create(const AgentConfig& config, Watchers watchers) {
  std::unique_ptr<Agent> agent(new Agent(config, std::move(watchers)));
  if (auto opened = agent->open(); !opened) return tl::unexpected(opened.error());
  return agent;
}

Agent::~Agent() {
  feed_.close();
  loop_.end();
  // Whoever calls back goes before what it calls.
  server_.reset();
  toxiproxy_.reset();
  prober_.reset();
  accounts_.reset();
  actions_.reset();
  faults_.reset();
  processes_.reset();
}

Status Agent::open() {
  if (auto made = files_.make_folders(); !made) return made;
  ASSIGN_OR_RETURN(access_, open_access(config_));
  ASSIGN_OR_RETURN(tls_, load_tls(config_.security, cat("node/", config_.node), wall_now()));
  ASSIGN_OR_RETURN(epoch_, EpochGate::open(config_.state / "epoch"));
  load_marks();
  if (auto opened = open_links(); !opened) return opened;
  const auto wanting = [this](input::Verb verb) {
    return [this, verb](const std::string& service) {
      loop_.post([this, service, verb] { supervise(input::WantByFault{service, verb}); });
    };
  };
  Supervision supervision{.ensure_running = wanting(input::Verb::kStart),
                          .restart = wanting(input::Verb::kRestart)};
  host_ = std::make_unique<LinuxHost>(config_, std::move(supervision), links_.get());
  if (auto opened = open_toxiproxy(); !opened) return opened;
  for (const ServiceConfig& service : config_.services) {
    if (service.unit.empty()) continue;
    host_->starts().refuse(service.name, "how a unit of systemd is started is not the agent's");
  }

  FaultBook::Options options = fault_options(config_);
  options.on_event = [this](const std::string& kind, const json& data, MonoTime at) {
    log_fault(kind, data);
    feed_.add_event(kind, data, at);
  };
  options.on_moving = watchers_.moving;
  ASSIGN_OR_RETURN(faults_, FaultBook::open(std::move(options), *host_));
  accounts_ = std::make_unique<AccountTrials>(
      *host_,
      [this](const std::string& service, const BadAccount& bad) { tell_account(service, bad); });

  processes_ = std::make_unique<ProcessRunner>();
  runner_ = std::make_unique<ServiceRunner>(
      config_, files_, host_->starts(), *processes_, [this](const input::Exited& exited) {
        loop_.post_surely([this, exited] { supervise(exited); });
      });
  ASSIGN_OR_RETURN(prober_, Prober::create([this](std::vector<ProbeRun> runs) {
                     loop_.post([this, runs = std::move(runs)] { take_probe_runs(runs); });
                   }));
  end_actions_left_over();  // before anybody can order one of this run
  ASSIGN_OR_RETURN(actions_, ActionDesk::open(config_, *this));

  server_ =
      std::make_unique<HttpServer>(HttpServer::Options{.address = config_.address,
                                                       .port = config_.port,
                                                       .threads = limits::kHttpThreads,
                                                       .body_max = limits::kBodyMax,
                                                       .doorman = access_.door,
                                                       .tls = tls_,
                                                       .socket = config_.state / kAgentSocket,
                                                       .may_be_late = watchers_.may_be_late,
                                                       .allowed_hosts = config_.allowed_hosts});
  add_routes(
      *server_,
      {config_, feed_, *epoch_, *faults_, *host_, *links_, *actions_, *access_.audit, stopping_,
       [this] { return loop_.call([this] { return Result<json>(services_json()); }); },
       [this] { return loop_.call([this] { return Result<json>(board_.view()); }); }});
  return late_.start("the agent's API", clock_.mono(), [this] { return server_->start(); });
}

Status Agent::open_links() {
  LinkTable::Options options;
  options.on_moved = [this](const LinkTable::Moved& moved) {
    tell_rerouted(moved.link, moved.way, moved.why);
  };
  options.on_full = [this](const LinkTable::Full& full) { tell_full(full); };
  ASSIGN_OR_RETURN(links_, LinkTable::create(std::move(options)));
  for (const LinkConfig& link : config_.links) {
    LinkSpec spec = link_spec(link);
    spec.suspended = true;  // it is there with its upstreams and faults, and listens once it can
    if (auto opened = links_->open(spec); !opened) return opened;
    auto listens = late_.start(cat(kLink, link.name), clock_.mono(), [this, &link]() -> Status {
      ASSIGN_OR_RETURN(auto port, LinkTable::reserve(link.listen));
      return links_->resume(link.name, std::move(port));
    });
    if (!listens) return fail(listens.error(), cat("link ", link.name));
  }
  link_health_ = std::make_unique<LinkHealth>(config_.links, *links_);
  return {};
}

Status Agent::open_toxiproxy() {
  if (!config_.toxiproxy) return {};
  auto [address, port, permits] = *config_.toxiproxy;
  permits.controller = host_->machine().scope().controller;
  proxies_ = std::make_unique<toxiproxy::ProxyBook>(*links_, std::move(permits));
  return late_.start(
      "Toxiproxy's API", clock_.mono(), [this, address = address, port = port]() -> Status {
        ASSIGN_OR_RETURN(toxiproxy_, toxiproxy::serve(*proxies_, address, port, access_.toxiproxy));
        return {};
      });
}

void Agent::run() {
  begin();
  loop_.run([this] { return turn(); });
  waits_.give_up("the agent is stopping");
  end_actions_left_over();
  if (faults_->live() > 0)
    (void)faults_->revert_all("agent_stop", kInsist);  // granted while stopping
  log_info("stopped");
}

void Agent::begin() {
  const FaultBook::Reverted recovered = faults_->recover();
  for (const auto& [id, error] : recovered.failed) {
    log_error(cat("fault ", id, " of an earlier run could not be reverted yet: ", error));
  }
  json adopted = json::array();
  for (const SupervisorInput& input : runner_->recover()) {
    if (const auto* adopt = std::get_if<input::Adopt>(&input)) adopted.push_back(adopt->service);
    supervise(input);
  }
  feed_.add_event("agent.started", {{"recovered", recovered.reverted}, {"adopted", adopted}});
  log_info(cat("agent of node ", config_.node, " listens on ", config_.address, ":",
               server_->port(), ", ", config_.services.size(), " services, ", adopted.size(),
               " of them adopted"));
  warn_if_insecure(config_.security, config_.address);
  std::vector<std::filesystem::path> logs;
  for (const ServiceConfig& service : config_.services) logs.push_back(files_.log_of(service.name));
  rotator_ = std::make_unique<LogRotator>(std::move(logs));
  next_second_ = clock_.mono();
  begun_ = true;
  supervise(input::Begin{});
  if (watchers_.manager) watchers_.manager->say_ready();
  for (const ProbePlan& plan : link_health_->plans()) prober_->add(plan);
  for (const ProbeConfig& probe : config_.probes) {
    if (probe.target.kind == "process") continue;
    prober_->add({probe.name, probe.target, probe.every, probe.timeout});
  }
}

void Agent::stop() {
  stopping_ = true;
  if (watchers_.manager) watchers_.manager->say_stopping();
  log_info("stopping: reverting faults, then stopping services");
  const FaultBook::Reverted reverted = faults_->revert_all("agent_stop", kInsist);
  for (const auto& [id, error] : reverted.failed) {
    log_error(cat("fault ", id, " could not be reverted: ", error));
  }
  loop_.post_surely([this] { supervise(input::StopAll{}); });
}

std::optional<MonoTime> Agent::turn() {
  const MonoTime now = clock_.mono();
  if (const auto due = supervisor_.next_deadline(); due && *due <= now) supervise(input::Tick{});
  if (const auto due = waits_.next_deadline(); due && *due <= now) {
    waits_.look(supervisor_.view(), now);
  }
  if (now >= next_second_) sample_every_second(now);
  late_.try_again(now);
  auto next = earlier(earlier(supervisor_.next_deadline(), waits_.next_deadline()),
                      earlier(next_second_, late_.next_try()));
  if (watchers_.manager) next = earlier(next, watchers_.manager->say_alive(now));
  return next;
}

void Agent::supervise(SupervisorInput first) {
  const EventFeed::Together together(feed_);  // a service's end, and that it is not up
  std::vector<SupervisorInput> inputs = {std::move(first)};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const SupervisorInput input = std::move(inputs[i]);
    for (const auto& each : supervisor_.step(input, clock_.mono())) carry_out(each, inputs);
  }
  after_step();
}

void Agent::carry_out(const SupervisorOutput& output, std::vector<SupervisorInput>& answers) {
  if (const auto* launch = std::get_if<output::Launch>(&output)) {
    answers.push_back(runner_->launch(*launch));
  } else if (const auto* signal = std::get_if<output::Signal>(&output)) {
    runner_->signal(*signal);
  } else if (const auto* prepared = std::get_if<output::MarkPrepared>(&output)) {
    runner_->mark_prepared(prepared->service);
  } else if (const auto* ready = std::get_if<output::MarkReady>(&output)) {
    if (const auto process = supervisor_.view(ready->service).process) {
      runner_->mark_ready(ready->service, *process);
    }
  } else if (const auto* stopped = std::get_if<output::KeepStopped>(&output)) {
    if (auto kept = files_.keep_stopped(stopped->service, stopped->on); !kept) {
      log_error(cat("service ", stopped->service, ": ", kept.error().message));
    }
  } else if (const auto* check = std::get_if<output::CheckReady>(&output)) {
    check_ready(check->service, check->on);
  } else if (const auto* told = std::get_if<output::Tell>(&output)) {
    tell_service(*told);
  }
}

void Agent::check_ready(const std::string& service, bool on) {
  const std::string name = cat(kReadyProbe, service);
  if (!on) return prober_->remove(name);
  const ReadyCheck& check = *config_.service(service)->ready;
  prober_->add({name, check.target, limits::kReadyProbeEvery, check.timeout});
  ready_reason_.erase(service);
}

void Agent::tell_service(const output::Tell& tell) {
  feed_.add_event(tell.kind, tell.data);
  const std::string service = tell.data.at("service");
  if (tell.kind == "service.backoff" || tell.kind == "service.gave_up") {
    const auto reason = ready_reason_.find(service);
    log_error(cat("service ", service, " ", tell.data.at("why").get<std::string>(),
                  reason == ready_reason_.end() ? "" : cat(" (", reason->second, ")"),
                  tell.kind == "service.gave_up" ? ", given up" : "",
                  "; its log: ", files_.log_of(service).string()));
  } else {
    log_info(cat(tell.kind, " ", dump_json(tell.data)));
  }
}

void Agent::take_probe_runs(const std::vector<ProbeRun>& runs) {
  ProbeNews news;
  for (const ProbeRun& run : runs) {
    if (link_health_->take(run)) continue;
    if (!run.probe.starts_with(kReadyProbe)) {
      board_.take(run, news);
      continue;
    }
    const std::string service = run.probe.substr(kReadyProbe.size());
    // A run that began with an earlier process of the service says nothing about this one.
    const ServiceView view = supervisor_.view(service);
    if (run.at - run.latency < view.since) continue;
    if (run.good) {
      ready_reason_.erase(service);
      supervise(input::ReadySeen{service});
    } else {
      ready_reason_[service] = run.reason;
    }
  }
  publish(std::move(news));
}

void Agent::after_step() {
  if (!begun_) return;
  const MonoTime now = clock_.mono();
  const std::vector<ServiceView> services = supervisor_.view();
  ProbeNews news;
  for (const ServiceView& service : services) {
    const bool up = service.state == ServiceState::kReady;
    const auto [known, is_new] = up_.try_emplace(service.name, up);
    if (is_new || known->second != up) {
      known->second = up;
      news.samples.push_back({service.name + ".up", up ? 1.0 : 0.0, now});
      accounts_->note(service.name, up);
    }
    const bool lives = service.process && service.state != ServiceState::kPreparing;
    board_.process_seen(service.name, lives, now, news);
  }
  publish(std::move(news));
  waits_.look(services, now);
  if (stopping_ && supervisor_.all_stopped()) loop_.end();
}

void Agent::sample_every_second(MonoTime now) {
  next_second_ = on_grid(next_second_, std::chrono::seconds(1), now);
  if (next_second_ <= now) next_second_ += std::chrono::seconds(1);
  ProbeNews news;
  for (const auto& [service, up] : up_) {
    news.samples.push_back({service + ".up", up ? 1.0 : 0.0, now});
  }
  board_.repeat(now, news);
  publish(std::move(news));
  spare_memory_.look(now);
}

void Agent::publish(ProbeNews news) {
  if (!news.samples.empty()) feed_.add_samples(news.samples);
  for (const auto& [kind, data] : news.events) feed_.add_event(kind, data);
}

json Agent::services_json() const {
  json list = json::array();
  for (const ServiceView& service : supervisor_.view()) {
    const auto mark = marks_.find(service.name);
    list.push_back({{"name", service.name},
                    {"state", to_text(service.state)},
                    {"pid", service.process ? service.process->pid : 0},
                    {"restarts", service.restarts},
                    {"mark", mark == marks_.end() ? "ok" : mark->second},
                    {"why", service.why},
                    {"age_us", (clock_.mono() - service.since).count()}});
  }
  return list;
}

Status Agent::save_marks() const {
  return write_file_durably(config_.state / "marks.json", dump_json(json(marks_)) + "\n", 0600);
}

void Agent::load_marks() {
  const auto text = read_file(config_.state / "marks.json");
  const auto marks = text ? parse_json(*text) : Result<json>(json::object());
  if (!marks || !marks->is_object())
    return log_warn("marks.json is unreadable: no service is marked");
  for (const auto& [service, mark] : marks->items()) {
    if (mark.is_string() && config_.service(service)) marks_[service] = mark.get<std::string>();
  }
}

// Scripts and programs that outlived the agent that ran them: their outcome was told as failed, so
// they must not go on beside a repetition.
void Agent::end_actions_left_over() {
  std::set<uid_t> users = {::getuid()};
  if (config_.scripts_user) users.insert(config_.scripts_user->user);
  for (const auto& [name, program] : config_.programs) {
    if (program.user) users.insert(program.user->user);
  }
  std::vector<FoundProcess> left = find_started_actions(config_.state, users);
  for (const FoundProcess& found : left) {
    log_warn(cat("action ", found.name, ": ending its process ", found.process.pid));
    (void)signal_group(found.process, SIGTERM);
  }
  const MonoTime deadline = clock_.mono() + kActionsEndWithin;
  while (std::any_of(left.begin(), left.end(),
                     [](const FoundProcess& found) { return is_alive(found.process); }) &&
         clock_.mono() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  for (const FoundProcess& found : left) (void)::kill(-found.process.pid, SIGKILL);
}

void Agent::want(const std::string& service, const std::string& verb, Duration timeout, Done done) {
  const bool posted = loop_.post([this, service, verb = verb_of(verb), timeout, done] {
    if (stopping_) return done(fail(ErrorCode::kUnavailable, "the agent is stopping"));
    waits_.add(supervisor_.view(service), verb, clock_.mono() + timeout, done);
    supervise(input::Want{service, verb});
  });
  if (!posted) done(fail(ErrorCode::kUnavailable, "the agent is busy or stopping"));
}

Status Agent::mark(const std::string& service, const std::string& as) {
  return loop_.call([this, service, as] {
    marks_[service] = as;
    return save_marks();
  });
}

Result<json> Agent::change_link(const LinkOrder& order) {
  const auto done = [](const Status& status) -> Result<json> {
    if (!status) return tl::unexpected(status.error());
    return json::object();
  };
  if (order.verb == "drain") return done(links_->drain(order.link, order.upstream, order.within));
  if (order.verb == "undrain") return done(links_->undrain(order.link, order.upstream));
  if (order.verb == "weights") return done(links_->set_weights(order.link, order.weights));
  const auto established =
      order.reset_established ? LinkTable::Established::kReset : LinkTable::Established::kDrain;
  ASSIGN_OR_RETURN(const LinkTable::Rerouted way,
                   links_->reroute(order.link, order.upstream, established));
  tell_rerouted(order.link, way, order.reset_established ? "reset" : "drain");
  return json{{"from", way.from}, {"to", way.to}};
}

void Agent::tell_rerouted(const std::string& link, const LinkTable::Rerouted& way,
                          const std::string& how) {
  feed_.add_event("link.rerouted",
                  {{"link", link}, {"from", way.from}, {"to", way.to}, {"how", how}});
}

void Agent::tell_link_listens(const std::string& link, const std::string& why) {
  feed_.add_event(why.empty() ? "link.listening" : "link.waiting", {{"link", link}, {"why", why}});
}

void Agent::tell_full(const LinkTable::Full& full) {
  const std::string limit_of = full.limit_of;
  log_warn(
      cat("link ", full.link, " refuses new connections: ", full.connections, " are open on ",
          limit_of == "node" ? "all links of the node" : "it",
          limit_of == "source" ? ", as many as may be from one source; " : ", which is the limit; ",
          full.refused, " refused so far"));
  feed_.add_event("link.full", {{"link", full.link},
                                {"connections", full.connections},
                                {"limit_of", limit_of},
                                {"refused", full.refused}});
}

void Agent::tell_account(const std::string& service, const BadAccount& bad) {
  log_warn(bad.text);
  feed_.add_event("account.lacks", {{"service", service},
                                    {"account", bad.account},
                                    {"lacks", bad.lacks},
                                    {"kinds", bad.kinds},
                                    {"text", bad.text}});
}

void Agent::run(const ProcessSpec& spec, Duration timeout, ProcessRunner::OnScript done) {
  processes_->run(spec, timeout, std::move(done));
}

std::map<std::string, std::string> Agent::environment() { return base_environment(config_); }

std::map<std::string, pid_t> Agent::service_pids() {
  auto pids = loop_.call([this] {
    std::map<std::string, pid_t> running;
    for (const ServiceView& service : supervisor_.view()) {
      if (service.process) running[service.name] = service.process->pid;
    }
    return Result<std::map<std::string, pid_t>>(std::move(running));
  });
  return pids ? std::move(*pids) : std::map<std::string, pid_t>();
}

void Agent::tell(const std::string& kind, const json& data) {
  feed_.add_event(kind, data);
  log_info(cat(kind, " ", data.value("kind", ""), " ", data.value("action", ""), ": ",
               data.value("state", ""), " ", data.value("error", "")));
}

}  // namespace panshi::agent
