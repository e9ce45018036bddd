// SPDX-License-Identifier: Apache-2.0
#include "cli/lab/lab_up.h"

#include <algorithm>
#include <csignal>
#include <map>
#include <optional>
#include <thread>

#include "cli/lab/agents.h"
#include "cli/lab/check_configs.h"
#include "cli/lab/lab_down.h"
#include "cli/lab/network_claim.h"
#include "cli/lab/processes.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/private_folder.h"
#include "core/io/trusted_path.h"
#include "core/json/fields.h"
#include "core/pki/authority.h"

namespace panshi::cli {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kNetworkFirst = 78;  // tried when the file's network is taken
constexpr int kNetworkLast = 126;
constexpr auto kSteady = 500ms;
constexpr std::size_t kSecretLength = 32;

bool is_free(const LabPlan& plan) {
  return can_bind(plan.controller_address, plan.controller_port) &&
         std::all_of(plan.nodes.begin(), plan.nodes.end(),
                     [](const PlannedNode& node) { return can_bind(node.address, node.port); });
}

struct Place {
  LabPlan plan;
  NetworkClaim claim;
};

// The wanted network or, when somebody listens or starts a lab there, the next free one.
Result<Place> find_place(const Document& document, const LabUpOptions& options) {
  ASSIGN_OR_RETURN(LabPlan plan, plan_lab(document, options.plan));
  const std::string wanted = plan.network;
  for (int octet = kNetworkFirst; true; ++octet) {
    std::optional<NetworkClaim> claim = NetworkClaim::take(plan.network);
    if (claim && is_free(plan)) return Place{std::move(plan), *std::move(claim)};
    if (options.network_given || octet > kNetworkLast) break;
    LabOptions other = options.plan;
    other.network = cat("127.", octet);
    ASSIGN_OR_RETURN(plan, plan_lab(document, other));
  }
  return fail(ErrorCode::kConflict,
              cat("network ", wanted, " is taken: somebody listens on port ", plan.controller_port,
                  " or an agent's there, or starts a lab",
                  options.network_given ? "" : ", and on 127.78 to 127.126"));
}

// For the owner only: configurations carry passwords, logs and books what customers bought.
Status make_folders(const fs::path& lab) {
  // Nobody else may say where that is: before anything is made there, and once it is.
  const auto checked = [&] {
    const Status ours = check_trusted(lab);
    return ours || ours.error().code == ErrorCode::kNotFound ? Status() : ours;
  };
  if (Status ours = checked(); !ours) return ours;
  for (const char* folder : {"config", "logs", "nodes"}) {
    std::error_code error;
    fs::create_directories(lab / folder, error);
    if (error)
      return fail(ErrorCode::kInternal,
                  cat("make ", (lab / folder).string(), ": ", error.message()));
  }
  if (Status ours = checked(); !ours) return ours;
  std::error_code error;
  fs::permissions(lab, fs::perms::owner_all, error);
  if (error)
    return fail(ErrorCode::kInternal, cat("protect ", lab.string(), ": ", error.message()));
  return {};
}

// Anew at each start, for the addresses of this one.
Status make_certificates(const LabPlan& plan, const fs::path& lab) {
  const fs::path folder = tls_folder(lab);
  Result<Authority> authority = Authority::open(folder);
  if (!authority) authority = Authority::create(folder, wall_now());
  if (!authority) return tl::unexpected<Error>(authority.error());
  std::vector<Authority::Subject> subjects = {{"controller", "lab", {plan.controller_address}}};
  for (const PlannedNode& node : plan.nodes)
    subjects.push_back({"node", node.name, {node.address}});
  for (const Authority::Subject& subject : subjects) {
    auto issued = authority->issue(subject, wall_now());
    if (!issued && issued.error().code == ErrorCode::kConflict) {
      issued =
          authority->renew(cat(subject.role, "/", subject.name), wall_now(), {}, subject.names);
    }
    if (!issued) return tl::unexpected<Error>(issued.error());
  }
  return {};
}

// Kept over later starts, as data and accounts are. One that is short is of a lab of before, whose
// passwords everybody knew.
Status make_secrets(const LabPlan& plan, LabOptions& options) {
  for (const std::string& name : plan.secrets) {
    const fs::path file = secret_file(options.lab, name);
    if (Status made = make_private_folder(file.parent_path()); !made) return made;
    std::string value = trimmed(read_file(file, 4096).value_or(""));
    if (value.size() < kSecretLength) {
      ASSIGN_OR_RETURN(value, random_token());
      if (Status kept = write_file_durably(file, value + "\n", 0600); !kept) return kept;
    }
    options.secrets[name] = std::move(value);
  }
  return {};
}

Status write_files(const LabPlan& plan, const LabOptions& options) {
  if (plan.tls) {
    if (Status made = make_certificates(plan, options.lab); !made) return made;
  }
  for (const PlannedFile& file : plan.files) {
    std::string content = file.content;
    if (!file.from.empty()) {
      ASSIGN_OR_RETURN(const std::string text, read_file(file.from));
      ASSIGN_OR_RETURN(content, expand_template(plan, options, file, text));
    }
    std::error_code error;
    fs::create_directories(file.path.parent_path(), error);
    if (Status status = write_file_durably(file.path, content, 0600); !status) return status;
  }
  for (const PlannedNode& node : plan.nodes) {
    std::error_code error;
    fs::create_directories(node.state, error);
    Status status = write_file_durably(config_file(options.lab, node.name),
                                       dump_json_pretty(node.config) + "\n", 0600);
    if (!status) return status;
  }
  return write_file_durably(config_file(options.lab, kController),
                            dump_json_pretty(plan.controller) + "\n", 0600);
}

LabRecord record_of(const LabPlan& plan, const LabUpOptions& options) {
  const fs::path& lab = options.plan.lab;
  LabRecord record;
  record.name = plan.name;
  record.file = options.file.string();
  record.network = plan.network;
  record.rate = plan.rate;
  record.controller_url = cat(plan.scheme(), plan.controller_address, ":", plan.controller_port);
  record.controller_token_file = (node_state(lab, kController) / "controller.token").string();
  if (plan.tls) {
    record.authority = Authority::files_in(tls_folder(lab), kControllerPeer).authority.string();
  }
  record.controller_config = config_file(lab, kController).string();
  record.controller_log = log_file(lab, kController).string();
  for (const PlannedNode& node : plan.nodes) {
    record.nodes.push_back({node.name, node.address, node.url, node.state.string(),
                            (node.state / "agent.token").string(),
                            config_file(lab, node.name).string(), log_file(lab, node.name).string(),
                            0});
  }
  return record;
}

// One attempt to bring up what is missing.
class LabStart {
 public:
  LabStart(const LabUpOptions& options, const std::atomic<bool>& stop, Terminal& terminal,
           LabRecord& record)
      : options_(options), stop_(stop), terminal_(terminal), record_(record) {}

  // True when something had to be started.
  Result<bool> run() {
    bool started = false;
    for (LabRecordNode& node : record_.nodes) {
      ASSIGN_OR_RETURN(const bool fresh,
                       start("panshi-agent", node.name, node.config, node.log, node.pid));
      started = started || fresh;
    }
    if (Status saved = save(); !saved) return failed(saved);
    if (Status status = wait("agents", [this] { return agents_answer(); }); !status)
      return failed(status);
    if (Status status = wait("services", [this] { return services_ready(); }); !status)
      return failed(status);
    // Last, so that it does not take a shop that is being set up for one that is failing.
    ASSIGN_OR_RETURN(const bool fresh,
                     start("panshi-controller", kController, record_.controller_config,
                           record_.controller_log, record_.controller_pid));
    if (Status saved = save(); !saved) return failed(saved);
    if (Status status = wait("the controller", [this] { return controller_ready(); }); !status)
      return failed(status);
    return started || fresh;
  }

  std::size_t services() const { return ready_.size(); }

 private:
  static tl::unexpected<Error> failed(const Status& status) {
    return tl::unexpected<Error>(status.error());
  }

  Status save() { return write_lab_record(options_.plan.lab, record_); }

  Result<bool> start(const char* program, const std::string& node, const std::string& config,
                     const std::string& log, pid_t& pid) {
    if (stop_) return fail(ErrorCode::kRefused, "interrupted");
    if (const auto running = main_process(options_.plan.lab, node)) {
      pid = running->pid;
      if (process_state(running->pid) != 'T') return false;
      end_frozen(node);
    }
    ASSIGN_OR_RETURN(
        pid, start_detached({(options_.plan.bin / program).string(), "--config", config}, log));
    children_.push_back({node, log, pid});
    return true;
  }

  // An agent that stands still, and its guardian with it, is nobody's to start anew here but ours:
  // it reverts first what it finds.
  void end_frozen(const std::string& node) {
    terminal_.line(cat("  ", node, " stands still: ending it, to start it anew"));
    std::vector<LabProcess> ended = find_lab_processes(options_.plan.lab);
    std::erase_if(
        ended, [&](const LabProcess& each) { return each.node != node || !each.service.empty(); });
    for (const LabProcess& each : ended) (void)::kill(each.process.pid, SIGKILL);
    for (const LabProcess& each : ended) {
      while (is_alive(each.process) && Clock::now() < deadline_) std::this_thread::sleep_for(5ms);
    }
  }

  template <class Done>
  Status wait(const char* what, const Done& done) {
    while (!done()) {
      if (stop_) return fail(ErrorCode::kRefused, "interrupted");
      if (!trouble_.empty()) return fail(ErrorCode::kInternal, trouble_);
      for (const Child& child : children_) {
        if (has_ended(child.pid)) return fail(ErrorCode::kInternal, ended_text(child));
      }
      if (Clock::now() > deadline_) return fail(ErrorCode::kInternal, late_text(what));
      std::this_thread::sleep_for(50ms);
    }
    return {};
  }

  bool agents_answer() {
    return std::all_of(record_.nodes.begin(), record_.nodes.end(),
                       [this](const LabRecordNode& node) {
                         if (!answered_.contains(node.name)) {
                           NodeSeen seen = calls_.ask_agent(node);
                           if (!seen.up) {
                             missing_ = cat("agent of ", node.name, " (", seen.why, ")");
                             missing_log_ = node.log;
                             return false;
                           }
                           answered_.insert(node.name);
                         }
                         return true;
                       });
  }

  // Ready, and still the same processes half a second later: a service without a probe counts as
  // ready the moment it is started, also when it is about to end again.
  bool services_ready() {
    bool all = true;
    std::map<std::string, std::int64_t> pids;
    for (const LabRecordNode& node : record_.nodes) {
      const NodeSeen seen = calls_.ask_agent(node);
      if (!seen.up) all = note_missing(cat("agent of ", node.name), node.log);
      for (const ServiceSeen& service : seen.services) {
        all = look(node, service) && all;
        pids[node.name + "/" + service.name] = service.pid;
      }
    }
    terminal_.status(
        cat("  ", ready_.size(), " services ready", all ? "" : ", waiting for " + missing_));
    if (!all || pids != pids_) {
      pids_ = std::move(pids);
      same_since_ = Clock::now();
    }
    return all && (children_.empty() || Clock::now() - same_since_ >= kSteady);
  }

  bool look(const LabRecordNode& node, const ServiceSeen& service) {
    const std::string log = (fs::path(node.state) / "logs" / (service.name + ".log")).string();
    if (service.state == "ready") {
      const bool first = ready_.insert(node.name + "/" + service.name).second;
      if (first && !children_.empty()) announce(node, service);
      return true;
    }
    const std::string why = service.why.empty() ? "" : ": " + service.why;
    const std::string what = cat("service ", service.name, " of ", node.name);
    if (service.state == "gave_up") trouble_ = with_log(cat(what, " does not start", why), log);
    return note_missing(cat(what, " (", service.state, why, ")"), log);
  }

  void announce(const LabRecordNode& node, const ServiceSeen& service) {
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began_);
    std::string name = node.name;
    name.resize(std::max<std::size_t>(name.size(), 10), ' ');
    std::string what = service.name;
    what.resize(std::max<std::size_t>(what.size(), 22), ' ');
    terminal_.line(cat("  ", name, what, terminal_.tone("good", "ready"), " ",
                       terminal_.tone("soft", cat("+", took.count(), " ms"))));
  }

  bool controller_ready() {
    if (calls_.controller_answers() && calls_.controller_sees_all()) return true;
    return note_missing("the controller to hear from every agent", record_.controller_log);
  }

  bool note_missing(std::string what, std::string log) {
    missing_ = std::move(what);
    missing_log_ = std::move(log);
    return false;
  }

  struct Child {
    std::string node;
    std::string log;
    pid_t pid;
  };

  std::string ended_text(const Child& child) const {
    const std::string what =
        child.node == kController ? "the controller" : "agent of " + child.node;
    return with_log(what + " ended right after its start", child.log);
  }

  std::string late_text(const char* what) const {
    return with_log(cat("not up within ", options_.within.count(), " s: ", what, ": ", missing_),
                    missing_log_);
  }

  static std::string with_log(const std::string& what, const std::string& log) {
    std::string text = cat(what, "; log ", log);
    for (const std::string& line : last_lines(log, 8)) text += "\n  " + line;
    return text;
  }

  const LabUpOptions& options_;
  const std::atomic<bool>& stop_;
  Terminal& terminal_;
  LabRecord& record_;
  LabCalls calls_{record_};
  const Clock::time_point began_ = Clock::now();
  const Clock::time_point deadline_ = began_ + options_.within;
  std::vector<Child> children_;
  std::set<std::string> answered_;
  std::set<std::string> ready_;               // "node/service"
  std::map<std::string, std::int64_t> pids_;  // of the services when last looked at
  Clock::time_point same_since_ = began_;
  std::string missing_;
  std::string missing_log_;
  std::string trouble_;  // waiting on is no use
};

// On a full disk a service ends without a line in its log: then this is the reason to tell.
Error with_disk(const fs::path& lab, Error error) {
  constexpr std::uintmax_t kEnough = 1 << 20;
  std::error_code ignored;
  const fs::space_info space = fs::space(lab, ignored);
  if (!ignored && space.available < kEnough) {
    error.message = cat("the disk of ", lab.string(), " is full, ", space.available / 1024,
                        " KiB are free: ", error.message);
  }
  return error;
}

// What is there of an earlier start: its record, when something of it still runs.
Result<LabRecord> running_record(const fs::path& lab, Terminal& terminal) {
  const std::vector<LabProcess> running = find_lab_processes(lab);
  Result<LabRecord> record = read_lab_record(lab);
  if (record && !running.empty()) return record;
  if (!running.empty()) {
    terminal.line(cat("stopping ", running.size(), " left-over processes of an earlier lab"));
    take_lab_down(lab, LabRecord{}, [](const std::string&) {});
  }
  if (record) return fail(ErrorCode::kNotFound, "stale");  // a new start overwrites it
  return fail(ErrorCode::kNotFound, "none");
}

}  // namespace

Result<LabUpResult> bring_lab_up(const LabUpOptions& options, const std::atomic<bool>& stop,
                                 Terminal& terminal) {
  const fs::path& lab = options.plan.lab;
  const auto began = Clock::now();
  ASSIGN_OR_RETURN(const Document document, load_yaml(options.file));
  ASSIGN_OR_RETURN(LabPlan plan,
                   plan_lab(document, options.plan));  // mistakes before anything else
  if (Status status = make_folders(lab); !status) return tl::unexpected<Error>(status.error());
  if (Status good = check_agents(plan, document, options.plan.bin, lab / "config"); !good)
    return tl::unexpected<Error>(good.error());
  ASSIGN_OR_RETURN(const LockFile lock, LockFile::acquire(lab / "lab.lock"));
  LabUpResult result;
  Result<LabRecord> running = running_record(lab, terminal);
  std::optional<NetworkClaim> claim;
  if (running) {
    result.record = *std::move(running);
  } else {
    LabUpOptions with_secrets = options;
    if (Status made = make_secrets(plan, with_secrets.plan); !made)
      return tl::unexpected<Error>(made.error());
    ASSIGN_OR_RETURN(Place place, find_place(document, with_secrets));
    plan = std::move(place.plan);
    claim = std::move(place.claim);
    if (Status status = write_files(plan, with_secrets.plan); !status)
      return tl::unexpected<Error>(status.error());
    const fs::path controller = config_file(lab, kController);
    if (Status good = check_controller(options.plan.bin, controller); !good)
      return tl::unexpected<Error>(good.error());
    result.record = record_of(plan, options);
    if (Status status = write_lab_record(lab, result.record); !status)
      return tl::unexpected<Error>(status.error());
    terminal.line(cat("lab ", terminal.tone("strong", plan.name), " on ", plan.network, ".0.0, ",
                      plan.nodes.size(), " nodes, state in ", lab.string()));
  }
  LabStart attempt(options, stop, terminal, result.record);
  const Result<bool> started = attempt.run();
  if (!started) {
    const Error why = with_disk(lab, started.error());
    if (!running) {
      take_lab_down(lab, result.record, [](const std::string&) {});
      std::error_code ignored;
      fs::remove(lab_record_file(lab), ignored);
    }
    return tl::unexpected<Error>(why);
  }
  result.already_up = !*started;
  result.services = attempt.services();
  result.took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
  return result;
}

}  // namespace panshi::cli
