// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/trials/trial_tree.h"

#include <signal.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"

namespace panshi::trials {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kWatchdog = 4'000ms;  // of the agent
constexpr auto kNoWatchdog = std::chrono::hours(24);

// The agent's port is above the one that the controller takes, on the agent's own address.
std::string controller_config(const agent::TestAgent& agent, const std::string& services) {
  return cat("address: ", agent.address(), "\nport: ", agent.port() - 1,
             "\nstate: controller\nscenarios: none\nrules: none\nrunbooks: none\n"
             "poll: 300ms\nagent_lost_after: 1s\nlease: 1s\nnodes:\n"
             "  - {name: test, url: \"http://",
             agent.address(), ":", agent.port(), "\", token_file: state/agent.token, services: [",
             services,
             "], "
             "links: {database: [a], web: [a]}}\n");
}

}  // namespace

TrialTree::TrialTree(const Options& options)
    : agent_(options.agent_body, true), restart_after_(options.restart_after) {
  fs::create_directories(agent_.folder() / "none");
  fs::create_directories(agent_.folder() / "data/deep");
  fs::copy_file("/bin/sleep", agent_.folder() / "nap");
  std::ofstream(agent_.folder() / "data/deep/orders.db") << "some bytes of a service";
  std::ofstream(agent_.folder() / "controller.yaml") << controller_config(agent_, options.services);
}

TrialTree::~TrialTree() {
  for (const char* who : {"controller", "agent"}) {
    for (const pid_t pid : processes_of(who)) ::kill(pid, SIGCONT);
  }
  managed_controller_.reset();
  managed_agent_.reset();
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
