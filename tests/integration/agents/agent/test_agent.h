// SPDX-License-Identifier: Apache-2.0
// TestAgent: a real panshi-agent with its guardian on an address and in a folder of its own, ended
// with all that it started when the test ends.
#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/io/http_client.h"
#include "core/io/process.h"
#include "tests/support/temporary_folder.h"

namespace panshi::agent {

// Until `condition` holds; false when it does not within 20 seconds.
template <class Condition>
bool eventually(Condition condition);

struct Ended {
  int code = -1;
  std::string output;
};

class TestAgent {
 public:
  // `body`: the configuration but for node, address, port and state. {folder} and {address} in it
  // are replaced.
  explicit TestAgent(const std::string& body, bool restart_after_crash = false);
  ~TestAgent();
  TestAgent(const TestAgent&) = delete;
  TestAgent& operator=(const TestAgent&) = delete;

  // Another agent than the shipped one, with more in its environment. Before start().
  void use(std::string program, std::map<std::string, std::string> environment);
  void call_by_socket() { by_socket_ = true; }  // not by its port
  void start();                                 // and waits until it answers
  // Runs the program to its end with these arguments, {config} replaced.
  Ended run(std::vector<std::string> arguments);
  // What its fsck takes for its own; nullopt: fsck did not answer.
  std::optional<std::vector<std::string>> left();
  void signal(int number) const;  // to the agent alone
  void kill_whole();              // agent and guardian: nobody reverts
  bool stop();                    // SIGTERM; false when something of it is still there
  // What start() runs, for who starts it otherwise.
  std::vector<std::string> program() const;
  const std::map<std::string, std::string>& environment() const { return environment_; }
  std::vector<pid_t> guardians() const;
  pid_t pid() const;  // of the agent that holds the state; 0 when none does

  struct Answer {
    int status = 0;
    nlohmann::json json;
  };
  Answer call(const std::string& method, const std::string& path, const nlohmann::json& body = {});
  Answer call_as(const std::string& token, const std::string& method, const std::string& path,
                 const nlohmann::json& body = {});
  // The service's entry in GET /v1/services.
  nlohmann::json service(const std::string& name);
  bool becomes(const std::string& service, const std::string& state);
  // Polls on until an event of the kind about the service comes; null after ten seconds.
  nlohmann::json await_event(const std::string& kind, const std::string& service);

  // Live processes that this agent, or an earlier run of it, started, its guardian included.
  std::vector<pid_t> everything() const;
  // What a fault may change of this machine, as the agent's own snapshot has it; of control groups
  // and stopped processes this agent's alone, since other tests beside it have theirs.
  nlohmann::json host_state();
  std::filesystem::path folder() const { return folder_.path(); }
  const std::string& address() const { return address_; }
  std::string log() const;
  std::string token() const;
  std::uint16_t port() const { return port_; }

 private:
  TemporaryFolder folder_;
  std::string address_;
  std::uint16_t port_ = 0;
  std::filesystem::path config_;
  std::string program_;
  std::map<std::string, std::string> environment_ = {{"PATH", "/usr/bin:/bin"}};
  ProcessRunner processes_;
  HttpClient http_;
  std::uint64_t after_ = 0;
  std::string start_id_;
  bool by_socket_ = false;
  mutable std::set<pid_t> seen_;  // all that everything() ever found
};

template <class Condition>
bool eventually(Condition condition) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace panshi::agent
