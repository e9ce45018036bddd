// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/agents/agent/test_agent.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstring>
#include <fstream>
#include <future>
#include <stdexcept>

#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"

namespace panshi::agent {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAgent = PANSHI_BIN_DIR "/panshi-agent";

std::string own_address() {
  static std::atomic<int> count = 0;
  const int number = count++;
  const int network = number < 250 ? 102 : 140 + number / 250;
  return cat("127.", network, ".", 1 + ::getpid() % 250, ".", 1 + number % 250);
}

std::uint16_t free_port(const std::string& address) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  ::inet_pton(AF_INET, address.c_str(), &at.sin_addr);
  sockaddr generic{};
  std::memcpy(&generic, &at, sizeof at);
  socklen_t size = sizeof generic;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(fd, &generic, size) != 0 || ::getsockname(fd, &generic, &size) != 0) {
    throw std::runtime_error("no free port on " + address);
  }
  ::close(fd);
  std::memcpy(&at, &generic, sizeof at);
  return ntohs(at.sin_port);
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.replace(at, what.size(), with);
  }
  return text;
}

// Control groups outlive an agent that was killed. Their name is their agent's (ServiceCgroups).
void remove_groups(const fs::path& state) {
  const std::string name = cat("panshi-", hex16(fnv1a(state.string())));
  std::vector<fs::path> ours;
  std::error_code ignored;
  for (fs::recursive_directory_iterator each("/sys/fs/cgroup", ignored), end; each != end;
       each.increment(ignored)) {
    if (each->is_directory(ignored) && each->path().string().find(name) != std::string::npos) {
      ours.push_back(each->path());
    }
  }
  // The innermost first; only empty ones can be removed.
  for (auto each = ours.rbegin(); each != ours.rend(); ++each) ::rmdir(each->c_str());
}

}  // namespace

TestAgent::TestAgent(const std::string& body, bool restart_after_crash)
    : address_(own_address()),
      port_(free_port(address_)),
      config_(folder_ / "agent.yaml"),
      program_(kAgent) {
  const std::string head = cat("node: test\naddress: ", address_, "\nport: ", port_,
                               "\nstate: state\nrestart_after_crash: ", restart_after_crash, "\n");
  std::ofstream(config_) << head
                         << replaced(replaced(body, "{folder}", folder_.path().string()),
                                     "{address}", address_);
}

TestAgent::~TestAgent() {
  if (pid() != 0) (void)stop();
  for (int i = 0; i < 100 && !everything().empty(); ++i) {
    for (const pid_t left : everything()) ::kill(left, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  remove_groups(folder_ / "state");
}

void TestAgent::use(std::string program, std::map<std::string, std::string> environment) {
  program_ = std::move(program);
  environment_.merge(environment);
}

std::vector<std::string> TestAgent::program() const {
  return {program_, "--config", config_.string()};
}

// The guardian is the agent's only child that leads a session and is named so.
std::vector<pid_t> TestAgent::guardians() const {
  std::vector<pid_t> found;
  for (const pid_t each : everything()) {
    const auto name = read_file(cat("/proc/", each, "/comm")).value_or("");
    if (name.starts_with("panshi-guardian")) found.push_back(each);
  }
  return found;
}

void TestAgent::kill_whole() {
  signal(SIGSTOP);  // or it would start another guardian
  for (const pid_t each : guardians()) ::kill(each, SIGKILL);
  signal(SIGKILL);
  if (!eventually([&] { return pid() == 0 && guardians().empty(); })) {
    throw std::runtime_error("the agent and its guardian did not end");
  }
}

void TestAgent::start() {
  ProcessSpec spec;
  spec.argv = program();
  spec.env = environment_;
  spec.log_file = folder_ / "agent.log";
  const auto started = processes_.launch(spec, [](ProcessExit) {});
  if (!started) throw std::runtime_error(started.error().message);
  if (!eventually([this] { return call("GET", "/v1/healthz").status == 200; })) {
    throw std::runtime_error("the agent does not answer; its log:\n" + log());
  }
}

Ended TestAgent::run(std::vector<std::string> arguments) {
  ProcessSpec spec;
  spec.argv = {kAgent};
  for (std::string& argument : arguments) {
    spec.argv.push_back(replaced(std::move(argument), "{config}", config_.string()));
  }
  spec.env = {{"PATH", "/usr/bin:/bin"}};
  std::promise<ScriptResult> ended;
  processes_.run(spec, std::chrono::seconds(20),
                 [&](ScriptResult result) { ended.set_value(std::move(result)); });
  const ScriptResult result = ended.get_future().get();
  return {result.exit.code, result.output};
}

std::optional<std::vector<std::string>> TestAgent::left() {
  const auto answer = parse_json(run({"fsck", "--config", "{config}"}).output, 1 << 20);
  if (!answer || !answer->contains("leftovers")) return std::nullopt;
  std::vector<std::string> ours;
  for (const nlohmann::json& leftover : answer->at("leftovers")) {
    if (leftover.at("ours")) ours.push_back(leftover.at("what"));
  }
  return ours;
}

void TestAgent::signal(int number) const {
  if (const pid_t agent = pid(); agent != 0) ::kill(agent, number);
}

bool TestAgent::stop() {
  signal(SIGTERM);
  return eventually([this] { return everything().empty(); });
}

pid_t TestAgent::pid() const {
  const std::string text = read_file(folder_ / "state/agent.lock").value_or("");
  pid_t agent = 0;
  std::from_chars(text.data(), text.data() + text.size(), agent);
  const auto left = everything();
  return std::find(left.begin(), left.end(), agent) == left.end() ? 0 : agent;
}

TestAgent::Answer TestAgent::call(const std::string& method, const std::string& path,
                                  const nlohmann::json& body) {
  return call_as(token(), method, path, body);
}

TestAgent::Answer TestAgent::call_as(const std::string& token, const std::string& method,
                                     const std::string& path, const nlohmann::json& body) {
  HttpCall call;
  call.method = method;
  call.url =
      by_socket_ ? cat("http://localhost", path) : cat("http://", address_, ":", port_, path);
  if (by_socket_) call.unix_socket = folder_ / "state/agent.sock";
  if (!body.is_null()) call.body = dump_json(body);
  call.token = token;
  call.timeout = std::chrono::seconds(20);
  const auto reply = http_.send(call);
  if (!reply) return {0, reply.error().message};
  return {reply->status, parse_json(reply->body).value_or(nlohmann::json())};
}

nlohmann::json TestAgent::service(const std::string& name) {
  const Answer answer = call("GET", "/v1/services");
  if (answer.status != 200) return {};
  for (const auto& service : answer.json.at("services")) {
    if (service.at("name") == name) return service;
  }
  return {};
}

bool TestAgent::becomes(const std::string& name, const std::string& state) {
  return eventually([&] {
    const nlohmann::json found = service(name);
    return !found.is_null() && found.at("state") == state;
  });
}

nlohmann::json TestAgent::await_event(const std::string& kind, const std::string& service) {
  nlohmann::json found;
  eventually([&] {
    const Answer answer =
        call("POST", "/v1/poll",
             {{"epoch", 1}, {"start_id", start_id_}, {"after", after_}, {"wait_ms", 500}});
    if (answer.status != 200) return false;
    start_id_ = answer.json.at("start_id");
    for (const auto& event : answer.json.at("events")) {
      after_ = event.at("seq");
      const bool about = service.empty() || event.at("data").value("service", "") == service;
      if (event.at("kind") == kind && about) {
        found = event.at("data");
        return true;
      }
    }
    after_ = answer.json.at("next");
    return false;
  });
  return found;
}

std::vector<pid_t> TestAgent::everything() const {
  std::vector<pid_t> left;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const std::string number = entry.path().filename();
    pid_t pid = 0;
    std::from_chars(number.data(), number.data() + number.size(), pid);
    if (pid == 0 || pid == ::getpid() || process_state(pid) == 'Z') continue;
    // Services and scripts have the folder in their environment, agents in their arguments.
    const std::string text = read_file(entry.path() / "environ").value_or("") +
                             read_file(entry.path() / "cmdline").value_or("");
    const bool ours = text.find(folder_.path().string()) != std::string::npos;
    if (ours) seen_.insert(pid);
    // Who ends loses its arguments and environment first, and its sockets and locks a moment later.
    if (ours || (text.empty() && seen_.contains(pid))) left.push_back(pid);
  }
  return left;
}

nlohmann::json TestAgent::host_state() {
  const Ended taken = run({"snapshot", "--config", "{config}"});
  nlohmann::json state = parse_json(taken.output, 16 << 20).value_or(nlohmann::json::object());
  if (!state.contains("services")) throw std::runtime_error("no snapshot: " + taken.output);
  const std::string own = cat("panshi-", hex16(fnv1a((folder() / "state").string())));
  const std::vector<pid_t> pids = everything();
  nlohmann::json groups = nlohmann::json::array();
  for (const nlohmann::json& group : state.at("cgroups")) {
    if (group.get<std::string>().find(own) != std::string::npos) groups.push_back(group);
  }
  nlohmann::json stopped = nlohmann::json::array();
  for (const nlohmann::json& line : state.at("stopped")) {  // "4711 nap"
    const auto pid =
        static_cast<pid_t>(parse_integer(split(line.get<std::string>(), ' ')[0]).value());
    if (std::find(pids.begin(), pids.end(), pid) != pids.end()) stopped.push_back("one of ours");
  }
  state["cgroups"] = std::move(groups);
  state["stopped"] = std::move(stopped);
  return state;
}

std::string TestAgent::log() const { return read_file(folder_ / "agent.log").value_or(""); }

std::string TestAgent::token() const {
  std::string text = read_file(folder_ / "state/agent.token").value_or("");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace panshi::agent
