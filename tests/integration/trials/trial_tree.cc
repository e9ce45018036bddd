// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/trials/trial_tree.h"

#include <signal.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"
#include "core/pki/authority.h"

namespace panshi::trials {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kWatchdog = 4'000ms;  // of the agent
constexpr const char* kSecret = "of root alone";
constexpr auto kNoWatchdog = std::chrono::hours(24);

std::string tls_lines(const std::string& whose) {
  return cat("tls: {certificate: tls/issued/", whose, ".crt, key: tls/issued/", whose,
             ".key, authority: tls/ca.crt}\n");
}

// The agent's port is above the one that the controller takes, on the agent's own address.
std::string controller_config(const agent::TestAgent& agent, const TrialTree::Options& options) {
  return cat("address: ", agent.address(), "\nport: ", agent.port() - 1,
             "\nstate: controller\nscenarios: none\nrules: none\nrunbooks: none\n"
             "poll: 300ms\nagent_lost_after: 1s\nlease: 1s\n",
             options.hostile ? tls_lines("controller-test") : "",
             "nodes:\n  - {name: test, url: \"", options.hostile ? "https" : "http", "://",
             agent.address(), ":", agent.port(), "\", ",
             options.hostile ? "" : "token_file: state/agent.token, ", "services: [",
             options.services, "], links: {database: [a], web: [a]}}\n");
}

}  // namespace

TrialTree::TrialTree(const Options& options)
    : agent_(cat(options.hostile ? tls_lines("node-test") : "", options.agent_body), true),
      restart_after_(options.restart_after) {
  fs::create_directories(agent_.folder() / "none");
  fs::create_directories(agent_.folder() / "data/deep");
  fs::copy_file("/bin/sleep", agent_.folder() / "nap");
  std::ofstream(agent_.folder() / "data/deep/orders.db") << "some bytes of a service";
  std::ofstream(agent_.folder() / "controller.yaml") << controller_config(agent_, options);
  if (options.hostile) invite();
}

void TrialTree::invite() {
  auto authority = Authority::create(agent_.folder() / "tls", wall_now());
  if (!authority) throw std::runtime_error(authority.error().message);
  for (const char* role : {"node", "controller"}) {
    // A child that another thread of the test is just starting has its lock for a moment.
    Result<Authority::Issued> issued = fail(ErrorCode::kConflict, "");
    (void)agent::eventually([&] {
      issued = authority->issue({role, "test", {agent_.address()}}, wall_now());
      return issued || issued.error().code != ErrorCode::kConflict;
    });
    if (!issued) throw std::runtime_error(issued.error().message);
  }
  const auto deep = agent_.folder() / "data/deep";
  fs::permissions(agent_.folder(), fs::perms(0711));
  fs::permissions(deep, fs::perms(01777));
  std::ofstream(secret()) << kSecret;
  fs::permissions(secret(), fs::perms(0600));
  HostileUser::Plan plan;
  plan.address = agent_.address();
  plan.ports = {agent_.port(), static_cast<std::uint16_t>(agent_.port() - 1), 27'901, 27'903};
  for (const char* file : {"state/agent.lock", "state/agent.token", "state/faults/ended.jsonl",
                           "controller/journal.sqlite", "controller/controller.token", "agent.yaml",
                           "controller.yaml", "nap", "secret"}) {
    plan.files.push_back(agent_.folder() / file);
  }
  plan.open_folder = deep;
  plan.secret = secret();
  const std::string state = (agent_.folder() / "state").string();
  plan.environment = {"PATH=/usr/bin",
                      "PANSHI_NODE=test",
                      cat("PANSHI_STATE=", state),
                      "PANSHI_SERVICE=shop",
                      "PANSHI_NONCE=0",
                      "PANSHI_ACTION=a-1",
                      "PANSHI_FAULT=f-1",
                      cat("PANSHI_FAULT_STATE=", state)};
  agent_.call_by_socket();
  hostile_ = std::make_unique<HostileUser>(plan);
  (void)agent::eventually([&] { return hostile_->did().links > 0; });  // before a look is taken
}

std::vector<std::string> TrialTree::gained(HostileUser::Did& did) const {
  std::vector<std::string> found;
  if (!hostile_) return found;
  const HostileUser::Did now = hostile_->did();
  if (now.secrets > 0) found.push_back("a token went to who held a port");
  if (now.signals > 0) found.push_back("a signal reached a process of another account");
  if (!hostile_->poses()) found.push_back("a process of another account was ended as a service");
  if (read_file(secret()).value_or("") != kSecret) found.push_back("the secret was written over");
  if (fs::status(secret()).permissions() != fs::perms(0600)) {
    found.push_back("the secret has another mode");
  }
  did.ports_taken += now.ports_taken;
  did.callers += now.callers;
  did.locked += now.locked;
  did.links += now.links;
  return found;
}

TrialTree::~TrialTree() {
  for (const char* who : {"controller", "agent"}) {
    for (const pid_t pid : processes_of(who)) ::kill(pid, SIGCONT);
  }
  managed_controller_.reset();
  managed_agent_.reset();
  hostile_.reset();
}

void TrialTree::start() {
  std::map<std::string, std::string> environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}};
  managed_agent_ = std::make_unique<ManagedService>(agent_.program(), environment, kWatchdog,
                                                    restart_after_, agent_.folder() / "agent.log");
  if (!managed_agent_->is_ready()) throw std::runtime_error("the agent is not ready: " + logs());
  managed_controller_ = std::make_unique<ManagedService>(
      std::vector<std::string>{PANSHI_BIN_DIR "/panshi-controller", "--config",
                               (agent_.folder() / "controller.yaml").string()},
      environment, kNoWatchdog, restart_after_, agent_.folder() / "controller.log");
  const bool up = agent::eventually([&] {
    const json agents = ask("GET", "/api/v1/status").value("agents", json::object());
    return agents.value("test", json::object()).value("up", false);
  });
  if (!up) throw std::runtime_error("the controller does not know the agent");
}

std::vector<pid_t> TrialTree::processes_of(const std::string& who) const {
  if (who == "guardian") return agent_.guardians();
  const auto& managed = who == "agent" ? managed_agent_ : managed_controller_;
  const pid_t pid = managed ? managed->pid() : 0;
  return pid == 0 ? std::vector<pid_t>() : std::vector<pid_t>{pid};
}

json TrialTree::ask(const std::string& method, const std::string& path, const json& body) {
  HttpCall call;
  call.method = method;
  call.url = cat("http://", agent_.address(), ":", agent_.port() - 1, path);
  if (hostile_) {  // by its socket: neither TLS nor a token
    call.url = cat("http://localhost", path);
    call.unix_socket = agent_.folder() / "controller/controller.sock";
  }
  if (!body.is_null()) call.body = dump_json(body);
  call.token = read_file(agent_.folder() / "controller/controller.token").value_or("");
  while (call.token.ends_with('\n')) call.token.pop_back();
  call.timeout = 5s;
  const auto reply = http_.send(call);
  refusal_ = reply ? reply->body : reply.error().message;
  if (!reply || reply->status / 100 != 2) return json::object();
  return parse_json(reply->body, 16 << 20).value_or(json::object());
}

std::vector<json> TrialTree::events() {
  std::vector<json> all;
  for (std::int64_t after = 0;;) {
    const json page = ask("GET", cat("/api/v1/events?limit=1000&after=", after));
    const json events = page.value("events", json::array());
    if (events.empty()) return all;
    for (const json& event : events) all.push_back(event);
    after = page.value("next", after);
  }
}

std::string TrialTree::logs() const {
  return cat(agent_.log(), "\n", read_file(agent_.folder() / "controller.log").value_or(""));
}

}  // namespace panshi::trials
