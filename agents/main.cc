// SPDX-License-Identifier: Apache-2.0
// panshi-agent: the node agent, and the two things it can do when none runs: revert, and look.
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agents/agent.h"
#include "agents/config/last_config.h"
#include "agents/faults/fault_book.h"
#include "agents/guardian/guardian.h"
#include "agents/helpers/helper.h"
#include "agents/host/linux_host.h"
#include "agents/host_state/host_state.h"
#include "agents/limits.h"
#include "agents/local_agent.h"
#include "agents/other_reverter.h"
#include "core/access/audit_log.h"
#include "core/base/text.h"
#include "core/io/descriptor_limit.h"
#include "core/io/files.h"
#include "core/io/log.h"
#include "core/io/private_folder.h"
#include "core/io/service_manager.h"
#include "core/io/signals.h"
#include "core/io/trusted_path.h"
#include "core/json/fields.h"

namespace panshi::agent {
namespace {

constexpr int kUsage = 64;
// Nobody tries again after us until an agent is started; a person is told, and can.
constexpr auto kInsist = std::chrono::seconds(30);
constexpr auto kPersonWaits = std::chrono::seconds(10);
constexpr auto kSlack = std::chrono::seconds(5);
constexpr std::size_t kSnapshotMax = 16 << 20;

constexpr const char* kHelp =
    R"(panshi-agent: supervises, probes, breaks and mends the services of one node.

  panshi-agent --config FILE                 run until SIGTERM or SIGINT
  panshi-agent --config FILE --check-config  only check the file, and the certificates and secrets
                                             that it names; not those with --without-files
  panshi-agent revert-all --config FILE      revert every fault, of the agent that runs here or
                                             left behind by one that ran
  panshi-agent fsck --config FILE            list what faults left behind, as JSON
  panshi-agent fsck --clear --config FILE    and clear what is ours
  panshi-agent snapshot --config FILE        what of this machine faults may change, as JSON
  panshi-agent snapshot --compare BEFORE.json --config FILE
                                             and what is different from then; exit status 1 if any
  panshi-agent --help | --version

Exit status: 0 done; 1 it could not be done, with one line that says why; 64 the command line or
the configuration is wrong, with one line for each mistake.
)";

struct CommandLine {
  std::string verb = "run";  // run | recover | revert-all | fsck | snapshot
  std::string config;
  std::string compare;  // a file with an earlier snapshot
  std::string last;     // a copy of the configuration that an agent ran with, for its guardian
  bool check_only = false;
  bool without_files = false;
  bool clear = false;
  bool help = false;
  bool version = false;
};

Result<CommandLine> read_command_line(const std::vector<std::string>& arguments) {
  // `recover` is how the guardian starts an agent in its own place; it differs in nothing.
  const std::vector<std::string> verbs = {"run", "recover", "revert-all", "fsck", "snapshot"};
  CommandLine line;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--help" || argument == "-h") {
      line.help = true;
    } else if (argument == "--version") {
      line.version = true;
    } else if (argument == "--check-config") {
      line.check_only = true;
    } else if (argument == "--without-files") {  // they may not be made yet
      line.without_files = true;
    } else if (argument == "--clear" && line.verb == "fsck") {
      line.clear = true;
    } else if (argument == "--compare" && line.verb == "snapshot") {
      if (++i == arguments.size()) return fail(ErrorCode::kInvalid, "--compare wants a file");
      line.compare = arguments[i];
    } else if (argument == "--last") {  // how the guardian calls us, so not in the help
      if (++i == arguments.size()) return fail(ErrorCode::kInvalid, "--last wants a file");
      line.last = arguments[i];
    } else if (argument == "--config") {
      if (++i == arguments.size()) return fail(ErrorCode::kInvalid, "--config wants a file");
      line.config = arguments[i];
    } else if (i == 0 && std::find(verbs.begin(), verbs.end(), argument) != verbs.end()) {
      line.verb = argument;
    } else {
      return fail(ErrorCode::kInvalid, cat("unknown argument `", argument, "`; see --help"));
    }
  }
  if (line.without_files && !line.check_only) {
    return fail(ErrorCode::kInvalid, "--without-files goes with --check-config; see --help");
  }
  if (line.config.empty() && !line.help && !line.version) {
    return fail(ErrorCode::kInvalid, "--config FILE is missing; see --help");
  }
  return line;
}

int say(const Error& error, int status) {
  std::cerr << "panshi-agent: " << printable(error.message) << '\n';
  return status;
}

// As it is now; for who reverts, as the agent before it had it, if that is another.
Result<LoadedConfig> load(const CommandLine& line) {
  auto now = load_config(line.config, line.config);
  const bool reverts = line.verb == "revert-all" || line.verb == "recover";
  if (!reverts || (now && line.last.empty())) return now;
  auto last = load_last_config(
      line.last.empty() ? last_config_of(line.config) : std::filesystem::path(line.last),
      line.config);
  if (!last) return now;
  if (now && now->config.state == last->config.state) return now;
  std::cerr << (now ? cat(line.config, ": names another state than the agent before had")
                    : now.error().message)
            << "\npanshi-agent: goes on with the configuration that the agent before it had\n";
  return last;
}

// What runs as the agent's user is nobody else's to change. Not asked of a revert.
Status check_whose(const AgentConfig& config) {
  if (auto fine = check_trusted(config.file); !fine) return fine;
  std::error_code error;
  if (!config.scripts.empty() && std::filesystem::exists(config.scripts, error)) {
    if (auto fine = check_trusted_folder(config.scripts); !fine) return fine;
  }
  std::vector<Argv> commands;
  for (const ServiceConfig& service : config.services) {
    commands.insert(commands.end(), service.prepare.begin(), service.prepare.end());
    commands.push_back(service.command);
  }
  for (const auto& [name, program] : config.programs) commands.push_back(program.command);
  for (const Argv& command : commands) {
    if (auto fine = check_trusted_command(command); !fine) return fine;
  }
  return {};
}

Result<LockFile> lock_state(const AgentConfig& config) {
  if (auto made = make_private_folder(config.state, "agent.lock"); !made) {
    return tl::unexpected<Error>(made.error());
  }
  // Undo records say what root writes where: those of somebody else are not even reverted.
  if (auto ours = check_trusted(config.state); !ours) return tl::unexpected<Error>(ours.error());
  return LockFile::acquire(config.state / "agent.lock");
}

bool is_held(const Result<LockFile>& lock) {
  return !lock && lock.error().code == ErrorCode::kConflict;
}

// Prints what the agent that runs here answers. `bad`: the list that must be empty.
int show_local(const Result<nlohmann::json>& answer, const char* bad) {
  if (!answer) return say(answer.error(), 1);
  std::cout << dump_json_pretty(*answer) << '\n';
  return answer->contains(bad) && answer->at(bad).empty() ? 0 : 1;
}

constexpr const char* kRunAgain =
    "Why it is not done is in the log of the agent; when that is out of the way, run revert-all "
    "again";

int say_of(const OtherReverter& other, const char* next) {
  return say({ErrorCode::kUnavailable, cat(other.text(), ". ", next)}, 1);
}

bool is_of_guardian() { return std::getenv("PANSHI_PREDECESSOR") != nullptr; }

// As JSON, and for people each that is not over with why, and what to do.
int show_reverted(const AgentConfig& config, const nlohmann::json& reverted) {
  std::cout << (is_of_guardian() ? dump_json(reverted) : dump_json_pretty(reverted)) << std::endl;
  const nlohmann::json failed = reverted.value("failed", nlohmann::json());
  if (failed.is_array() && failed.empty()) return 0;
  for (const auto& each : failed) {
    const std::string line =
        cat("fault ", each.value("id", ""), " is not over: ", each.value("error", ""));
    (void)say({ErrorCode::kUnavailable, line}, 1);
  }
  const auto folder = fault_options(config).directory;
  std::error_code error;
  const bool is_full = std::filesystem::space(folder, error).available == 0 && !error;
  const std::string next =
      cat("nothing is forgotten: what undoes them stays in ", folder.string(), ". ",
          is_full ? cat("The disk there is full: free some space, and then run revert-all again")
                  : "When what stands in the way is gone, run revert-all again");
  return say({ErrorCode::kUnavailable, next}, 1);
}

// The state, for who reverts what an agent left; none when there is nothing more to do: the agent
// here did it, or it is another's for too long, and `status` says so. A guardian waits for nobody:
// whoever has it does the same.
std::optional<LockFile> take_state(const AgentConfig& config, int& status) {
  constexpr auto kPause = std::chrono::milliseconds(50);
  constexpr auto kGuardianActs = std::chrono::seconds(2);  // after the agent's end
  const auto end = [&](int with) {
    status = with;
    return std::nullopt;
  };
  const MonoTime until = mono_now() + kInsist + kSlack;
  MonoTime held_at = mono_now() - kGuardianActs;
  for (bool told = false;; std::this_thread::sleep_for(kPause)) {
    bool is_free = !LockFile::is_held(config.state / "agent.lock");
    if (!is_free) held_at = mono_now();
    const bool soon_its = guardian_lives(config) && mono_now() < held_at + kGuardianActs;
    if (is_of_guardian() || (is_free && !soon_its)) {
      auto lock = lock_state(config);
      if (lock) return std::move(*lock);
      if (!is_held(lock) || is_of_guardian()) return end(say(lock.error(), 1));
      is_free = false;
    }
    const bool is_late = mono_now() + kPause >= until;
    const auto other = other_reverter(config);
    if (other && is_late) return end(say_of(*other, kRunAgain));
    if (other && !told) (void)say_of(*other, "Waiting for it, and then going on");
    if (other) told = true;
    if (other || is_free) continue;
    const Duration patience = is_late ? kPause : until - mono_now();
    const auto answer =
        ask_local_agent(config, "/v1/revert-all", nlohmann::json::object(), patience);
    if (answer) return end(show_reverted(config, *answer));
    const bool may_be_gone = answer.error().code == ErrorCode::kUnavailable;
    if (!may_be_gone || is_late) return end(say(answer.error(), 1));
  }
}

// What is done here while no agent runs stands in its audit log as well; it is done in any case.
// REQUIRES: the state is ours.
void note(const AgentConfig& config, const char* what) {
  const std::string who = is_of_guardian() ? "the guardian" : cat("uid ", ::getuid());
  const auto audit = AuditLog::open(config.state);
  const auto written = audit ? (*audit)->write({.who = who, .what = what}, wall_now())
                             : tl::unexpected(audit.error());
  if (!written) (void)say(written.error(), 1);
}

int revert_all(const AgentConfig& config) {
  int status = 1;
  const auto lock = take_state(config, status);
  if (!lock) return status;
  note(config, "panshi-agent revert-all");
  if (const char* predecessor = std::getenv("PANSHI_PREDECESSOR")) {
    open_log(cat("panshi-agent ", config.node), LogLevel::kInfo);
    log_error(cat("the agent ", predecessor, "; its faults are being reverted, and the guardian ",
                  config.restart_after_crash
                      ? "does not start it again: it did so five times within a minute, or a "
                        "service manager does it"
                      : "does not start it again: restart_after_crash is off"));
  }
  LinuxHost host(config);
  auto book = FaultBook::open(fault_options(config), host);
  if (!book) return say(book.error(), 1);
  return show_reverted(config,
                       (*book)->recover(is_of_guardian() ? kInsist : kPersonWaits).to_json());
}

// Looks only. An agent that runs knows what it has in force; one that stands still is looked past.
int fsck(const AgentConfig& config) {
  FaultBook::Options options = fault_options(config);
  if (LockFile::is_held(config.state / "agent.lock")) {
    const auto answer = ask_local_agent(config, "/v1/fsck", nullptr, kSlack);
    if (answer) return show_local(answer, "leftovers");
    options.left_behind = cat("it may be in force: ", answer.error().message);
  }
  LinuxHost host(config);
  auto book = FaultBook::open(std::move(options), host);
  if (!book) return say(book.error(), 1);
  nlohmann::json leftovers = nlohmann::json::array();
  for (const Leftover& leftover : (*book)->fsck()) leftovers.push_back(to_json(leftover));
  std::cout << dump_json_pretty({{"leftovers", leftovers}}) << '\n';
  return leftovers.empty() ? 0 : 1;
}

int clear_leftovers(const AgentConfig& config) {
  const auto lock = lock_state(config);
  if (is_held(lock)) {
    const auto nothing = nlohmann::json::object();
    return show_local(ask_local_agent(config, "/v1/fsck/clear", nothing, kInsist + kSlack),
                      "leftovers");
  }
  if (!lock) return say(lock.error(), 1);
  note(config, "panshi-agent fsck --clear");
  LinuxHost host(config);
  auto book = FaultBook::open(fault_options(config), host);
  if (!book) return say(book.error(), 1);
  const Cleared cleared = (*book)->clear_leftovers();
  std::cout << dump_json_pretty(cleared.to_json()) << '\n';
  return cleared.left.empty() ? 0 : 1;
}

// What keeps an agent from starting keeps no fault of an earlier run in force. The state is ours.
void revert_left_behind(const AgentConfig& config, std::function<void(MonoTime)> moving = {}) {
  FaultBook::Options options = fault_options(config);
  options.on_moving = std::move(moving);
  LinuxHost host(config);
  auto book = FaultBook::open(std::move(options), host);
  if (!book) return log_error(book.error().message);
  const FaultBook::Reverted reverted = (*book)->recover(kInsist);
  for (const FaultId& id : reverted.reverted) {
    log_warn(cat("fault ", id, " of an earlier run: reverted, although this agent does not start"));
  }
  for (const auto& [id, error] : reverted.failed) {
    log_error(cat("fault ", id, " of an earlier run could not be reverted: ", error));
  }
}

// For a configuration that cannot be read any more.
void revert_with_last(const std::string& file) {
  const auto last = load_last_config(last_config_of(file), file);
  if (!last) return;
  if (const auto lock = lock_state(last->config)) revert_left_behind(last->config);
}

// Looks only, so an agent may be running.
int snapshot(const AgentConfig& config, const std::string& compare) {
  nlohmann::json before;
  if (!compare.empty()) {
    const auto text = read_file(compare, kSnapshotMax);
    if (!text) return say(text.error(), kUsage);
    const auto parsed = parse_json(*text, kSnapshotMax);
    if (!parsed || !parsed->is_object()) {
      return say({ErrorCode::kInvalid, compare + ": is not a snapshot"}, kUsage);
    }
    before = *parsed;
  }
  LinuxHost host(config);
  const nlohmann::json now = take_host_state(config, host);
  if (compare.empty()) {
    std::cout << dump_json_pretty(now) << '\n';
    return 0;
  }
  const std::vector<std::string> differences = host_state_differences(before, now);
  for (const std::string& line : differences) std::cout << line << '\n';
  return differences.empty() ? 0 : 1;
}

int run(const AgentConfig& config, const std::string& text) {
  ::mallopt(M_ARENA_MAX, 2);  // a dozen threads that mostly wait need no memory pool each
  const std::string file = config.file.string();
  const auto manager = ServiceManager::from_environment();
  const std::string last = last_config(config.state).string();
  Guardian::Options options;
  options.revert = {"revert-all", "--config", file, "--last", last};
  options.revive = options.revive_frozen = options.revert;
  // A service manager starts the next one, and would not know one that the guardian started. An
  // agent that was only frozen would have gone on: who killed it starts it anew.
  if (!manager) options.revive_frozen = {"recover", "--config", file, "--last", last};
  if (config.restart_after_crash) options.revive = options.revive_frozen;
  auto guardian = Guardian::start(std::move(options));
  if (!guardian) return say(guardian.error(), 1);
  if (auto raised = raise_descriptor_limit(limits::kDescriptors); !raised) {
    return say(raised.error(), 1);
  }
  prepare_signals();
  const auto lock = lock_state(config);
  if (!lock) return say(lock.error(), 1);
  open_log(cat("panshi-agent ", config.node), LogLevel::kInfo);
  if (auto kept = write_file_durably(last, text, 0600); !kept) log_warn(kept.error().message);
  // Only who comes next wants to know which process the guardian is.
  if (auto taken = (*guardian)->take_over(config.state / "guardian"); !taken) {
    log_warn(taken.error().message);
  }

  if (const char* predecessor = std::getenv("PANSHI_PREDECESSOR")) {
    log_warn(cat("the agent before this one ", predecessor, "; its guardian started this one"));
  }
  const auto moving = [&](MonoTime by) { (*guardian)->moving(by); };
  const bool takes_a_place = std::getenv("PANSHI_PREDECESSOR") != nullptr || manager;
  auto agent = Agent::create(
      config, {.moving = moving, .manager = manager.get(), .may_be_late = takes_a_place});
  if (!agent) {
    const int status = say(agent.error(), 1);
    revert_left_behind(config, moving);
    return status;
  }
  (*agent)->set_guardian((*guardian)->pid());
  (*guardian)->watch([&](pid_t pid) {
    log_warn(cat("the guardian had died; a new one is ", pid));
    (*agent)->set_guardian(pid);
  });
  {
    const StopSignal stop([&](int) { (*agent)->stop(); });
    (*agent)->run();
  }
  (*guardian)->unwatch();
  agent->reset();
  guardian->reset();  // not before: until here, a crash would leave services without an agent
  return 0;
}

int main_of(const std::vector<std::string>& arguments) {
  // How faults run what loads the node, and measure; not for people, so not in the help.
  if (!arguments.empty() && arguments[0] == "helper") {
    return run_helper({arguments.begin() + 1, arguments.end()});
  }
  if (!arguments.empty() && arguments[0] == "clock") return tell_clock();
  keep_new_files_private();
  const auto line = read_command_line(arguments);
  if (!line) return say(line.error(), kUsage);
  if (line->help) {
    std::cout << kHelp;
    return 0;
  }
  if (line->version) {
    std::cout << "panshi-agent " << PANSHI_VERSION << '\n';
    return 0;
  }
  const auto loaded = load(*line);
  if (!loaded) {
    std::cerr << printable(loaded.error().message) << '\n';
    if (line->verb == "run" && !line->check_only) revert_with_last(line->config);
    return kUsage;
  }
  const AgentConfig& config = loaded->config;
  if (line->verb == "revert-all") return revert_all(config);
  if (line->verb == "fsck") return line->clear ? clear_leftovers(config) : fsck(config);
  if (line->verb == "snapshot") return snapshot(config, line->compare);
  Status fine = check_whose(config);
  if (fine && !line->without_files) fine = check_files(config, wall_now());
  if (!fine) {
    (void)say(fine.error(), kUsage);
    if (line->check_only) return kUsage;
    if (const auto lock = lock_state(config)) revert_left_behind(config);
    return kUsage;
  }
  if (!line->check_only) return run(config, loaded->text);
  std::cout << line->config << ": good\n";
  return 0;
}

}  // namespace
}  // namespace panshi::agent

int main(int argc, char** argv) {
  return panshi::agent::main_of(std::vector<std::string>(argv + 1, argv + argc));
}
