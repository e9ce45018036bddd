// SPDX-License-Identifier: Apache-2.0
#include "cli/lab/processes.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>

#include "cli/lab/lab_plan.h"
#include "core/base/struck.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"

extern char** environ;

namespace panshi::cli {
namespace {

namespace fs = std::filesystem;

std::optional<pid_t> as_pid(const std::string& text) {
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error != std::errc() || end != text.data() + text.size() || pid <= 0) return std::nullopt;
  return pid;
}

// The zero-separated texts of /proc/<pid>/cmdline or environ; empty when not ours to read.
std::vector<std::string> proc_list(pid_t pid, const char* file) {
  std::ifstream in(cat("/proc/", pid, "/", file), std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return split(text.str(), '\0');
}

// <lab>/config/keys-1.json -> keys-1
std::string node_of_config(const fs::path& lab, const std::string& argument) {
  const std::string prefix = (lab / "config").string() + "/";
  if (!argument.starts_with(prefix) || !argument.ends_with(".json")) return {};
  return argument.substr(prefix.size(), argument.size() - prefix.size() - 5);
}

// redis-server writes its title over its environment: then where it works says whose it is. Not for
// others: a person's shell may stand in a lab's folder.
void read_working_directory(const fs::path& lab, LabProcess& process) {
  std::error_code error;
  const fs::path directory = fs::read_symlink(cat("/proc/", process.process.pid, "/cwd"), error);
  const std::string nodes = (lab / "nodes").string() + "/";
  if (error || !directory.string().starts_with(nodes)) return;
  process.node = *fs::path(directory.string().substr(nodes.size())).begin();
  process.service = directory.filename() == process.node ? "" : directory.filename().string();
}

std::optional<LabProcess> inspect(const fs::path& lab, const ProcessName& process) {
  const std::vector<std::string> arguments = proc_list(process.pid, "cmdline");
  const bool is_ours =
      !arguments.empty() && fs::path(arguments[0]).filename().string().starts_with("panshi-");
  for (const std::string& argument : arguments) {
    const std::string node = is_ours ? node_of_config(lab, argument) : std::string();
    if (!node.empty()) return LabProcess{process, node, {}};
  }
  const std::string state = "PANSHI_STATE=" + (lab / "nodes").string() + "/";
  LabProcess found{process, {}, {}};
  bool has_environment = false;
  for (const std::string& entry : proc_list(process.pid, "environ")) {
    has_environment = has_environment || !entry.empty();
    if (entry.starts_with(state)) found.node = entry.substr(state.size());
    if (entry.starts_with("PANSHI_SERVICE=")) found.service = entry.substr(15);
  }
  if (!has_environment) read_working_directory(lab, found);
  if (found.node.empty()) return std::nullopt;
  if (found.service.empty()) found.service = "a script or program";
  return found;
}

// Of a server that became another user only who may trace others reads more than its name: then the
// agent's own record says whose it is (agents/supervisor/service_files.h).
std::vector<LabProcess> recorded_processes(const fs::path& lab) {
  std::vector<LabProcess> found;
  std::error_code error;
  const std::string boot = trimmed(read_file("/proc/sys/kernel/random/boot_id").value_or(""));
  for (const fs::directory_entry& node : fs::directory_iterator(lab / "nodes", error)) {
    for (const fs::directory_entry& file :
         fs::directory_iterator(node.path() / "services", error)) {
      const bool is_unit = fs::exists(fs::path(file.path()).replace_extension(".unit"), error);
      if (file.path().extension() != ".json" || is_unit) continue;  // a unit is systemd's
      const auto record = parse_json(read_file(file.path(), 4096).value_or(""));
      if (!record || !record->is_object() || record->value("boot_id", "") != boot) continue;
      const LabProcess process{
          {record->value("pid", pid_t{0}), record->value("start_ticks", std::uint64_t{0})},
          node.path().filename().string(),
          file.path().stem().string()};
      if (is_alive(process.process)) found.push_back(process);
    }
  }
  return found;
}

// 0100007F:4524 as /proc/net/tcp writes it.
std::string socket_text(const std::string& hex) {
  const auto colon = hex.find(':');
  if (colon != 8) return {};
  std::uint32_t address = 0;
  unsigned port = 0;
  std::from_chars(hex.data(), hex.data() + 8, address, 16);
  std::from_chars(hex.data() + 9, hex.data() + hex.size(), port, 16);
  char text[INET_ADDRSTRLEN] = {};
  inet_ntop(AF_INET, &address, text, sizeof text);  // the kernel prints it in our byte order
  return cat(text, ":", port);
}

struct SpawnSetup {
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  SpawnSetup() {
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
  }
  ~SpawnSetup() {
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  void detach(const fs::path& log) {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
  }
};

}  // namespace

std::string own_user_name() {
  const passwd* user = getpwuid(geteuid());
  return user == nullptr ? std::to_string(geteuid()) : user->pw_name;
}

std::vector<LabProcess> find_lab_processes(const fs::path& lab) {
  std::vector<LabProcess> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", error)) {
    const std::optional<pid_t> pid = as_pid(entry.path().filename().string());
    if (!pid || *pid == getpid()) continue;
    const Result<ProcessName> process = name_process(*pid);
    if (!process) continue;
    if (std::optional<LabProcess> ours = inspect(lab, *process)) found.push_back(std::move(*ours));
  }
  for (LabProcess& recorded : recorded_processes(lab)) {
    const bool known = std::any_of(found.begin(), found.end(), [&](const LabProcess& each) {
      return each.process.pid == recorded.process.pid;
    });
    if (!known) found.push_back(std::move(recorded));
  }
  return found;
}

std::optional<ProcessName> main_process(const fs::path& lab, const std::string& node) {
  const fs::path file =
      node_state(lab, node) / (node == kController ? "controller.lock" : "agent.lock");
  const Result<std::string> text = read_file(file, 64);
  if (!text) return std::nullopt;
  const std::optional<pid_t> pid = as_pid(split(*text, '\n')[0]);
  if (!pid) return std::nullopt;
  const Result<ProcessName> process = name_process(*pid);
  if (!process) return std::nullopt;
  const std::optional<LabProcess> ours = inspect(lab, *process);
  if (!ours || ours->node != node || !ours->service.empty()) return std::nullopt;
  return *process;
}

Result<pid_t> start_detached(const std::vector<std::string>& argv, const fs::path& log) {
  SpawnSetup setup;
  setup.detach(log);
  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, argv[0].c_str(), &setup.actions, &setup.attributes,
                                arguments.data(), environ);
  if (error == ENOENT)
    return fail(ErrorCode::kNotFound, cat(argv[0], " is not there; build it first"));
  if (error != 0)
    return fail(ErrorCode::kInternal, cat("start ", argv[0], ": ", std::strerror(error)));
  return pid;
}

bool has_ended(pid_t child) {
  int status = 0;
  return child > 0 && waitpid(child, &status, WNOHANG) == child;
}

std::vector<std::string> listeners_at(const std::set<std::string>& addresses) {
  std::vector<std::string> found;
  std::ifstream in("/proc/net/tcp");
  std::string line;
  std::getline(in, line);  // head
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string number;
    std::string local;
    std::string remote;
    std::string state;
    words >> number >> local >> remote >> state;
    if (state != "0A") continue;  // LISTEN
    const std::string socket = socket_text(local);
    if (addresses.contains(socket.substr(0, socket.find(':')))) found.push_back(socket);
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool can_bind(const std::string& address, std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int yes = 1;  // as our servers do: an address in TIME_WAIT is free
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  bool good = inet_pton(AF_INET, address.c_str(), &name.sin_addr) == 1;
  good = good && bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
  close(fd);
  return good;
}

std::vector<std::string> last_lines(const fs::path& file, std::size_t count) {
  std::ifstream in(file, std::ios::binary);
  in.seekg(0, std::ios::end);
  const std::streamoff size = in ? static_cast<std::streamoff>(in.tellg()) : 0;
  constexpr std::streamoff kShown = 16 << 10;
  constexpr std::streamoff kRead = kShown + static_cast<std::streamoff>(kSecretReach);
  in.seekg(std::max<std::streamoff>(0, size - kRead));
  const std::string end{std::istreambuf_iterator<char>(in), {}};
  std::vector<std::string> lines = split(struck_tail(end, kShown), '\n');
  if (lines.back().empty()) lines.pop_back();
  if (lines.size() > count)
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
  return lines;
}

}  // namespace panshi::cli
