// SPDX-License-Identifier: Apache-2.0
// TrialTree: a whole Panshi of one node: a controller, an agent with its guardian and a service, in
// a folder of its own, each started again by a ManagedService when it dies or falls silent.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/io/http_client.h"
#include "tests/integration/agents/agent/test_agent.h"
#include "tests/support/hostile_user.h"
#include "tests/support/managed_service.h"

namespace panshi::trials {

class TrialTree {
 public:
  struct Options {
    std::string agent_body;                   // of the agent's configuration
    std::string services;                     // that it has: "shop, replica"
    std::chrono::milliseconds restart_after;  // of whoever dies
    // All the time somebody does what an account of this machine without rights can, so controller
    // and agent prove to one another who they are.
    bool hostile = false;
  };
  explicit TrialTree(const Options& options);
  ~TrialTree();

  void start();  // and waits until the controller knows the agent; throws
  agent::TestAgent& agent() { return agent_; }

  // The pids of "agent", "guardian", "controller" now; empty when it does not run.
  std::vector<pid_t> processes_of(const std::string& who) const;

  // One call of the controller's API; null when it did not answer with 200.
  nlohmann::json ask(const std::string& method, const std::string& path,
                     const nlohmann::json& body = {});
  // Every event of the journal; empty when the controller does not answer.
  std::vector<nlohmann::json> events();
  // What the controller said when it refused last.
  const std::string& refusal() const { return refusal_; }
  std::string logs() const;
  // What was gained by the hostile user; and what it did, added to `did`.
  std::vector<std::string> gained(HostileUser::Did& did) const;

 private:
  void invite();
  std::filesystem::path secret() const { return agent_.folder() / "secret"; }

  agent::TestAgent agent_;
  std::unique_ptr<HostileUser> hostile_;
  std::chrono::milliseconds restart_after_;
  std::unique_ptr<ManagedService> managed_agent_;
  std::unique_ptr<ManagedService> managed_controller_;
  HttpClient http_;
  std::string refusal_;
};

}  // namespace panshi::trials
