// SPDX-License-Identifier: Apache-2.0
// ActionDesk: takes a runbook's actions, carries each out once, and tells how it ended.
//
// No call carries a command: a script is a file of the node's script directory, by plain name; a
// program is an argv of the node's own configuration. Long work runs elsewhere; the desk itself is
// the thread `actions`. Event: action.done.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "agents/actions/order.h"
#include "agents/config/config.h"
#include "core/base/result.h"
#include "core/io/process.h"

namespace panshi::agent {

// What actions act upon, called on the thread `actions`. Tests have a fake.
class ActionPorts {
 public:
  using Done = std::function<void(Status)>;

  virtual ~ActionPorts() = default;
  // verb: start | stop | restart. `done` is called once, on any thread, at the latest after
  // `timeout`.
  virtual void want(const std::string& service, const std::string& verb, Duration timeout,
                    Done done) = 0;
  virtual Status mark(const std::string& service, const std::string& as) = 0;
  // A reroute answers with {"from","to"}.
  virtual Result<nlohmann::json> change_link(const LinkOrder& order) = 0;
  virtual void run(const ProcessSpec& spec, Duration timeout, ProcessRunner::OnScript done) = 0;
  virtual std::map<std::string, std::string> environment() = 0;  // of scripts and programs
  virtual std::map<std::string, pid_t> service_pids() = 0;       // of those that run
  virtual void tell(const std::string& kind, const nlohmann::json& data) = 0;
};

class ActionDesk {
 public:
  // Both must outlive this.
  static Result<std::unique_ptr<ActionDesk>> open(const AgentConfig& config, ActionPorts& ports);
  ~ActionDesk();  // what still runs will be `failed`, "agent restarted"
  ActionDesk(const ActionDesk&) = delete;
  ActionDesk& operator=(const ActionDesk&) = delete;

  // Any thread. `body` as in the contract, without the epoch. Answers with the action, running or
  // ended. Errors: kInvalid, every mistake; kNotFound, its subject; kConflict, the id with another
  // body; kUnavailable, too many run.
  Result<nlohmann::json> put(const std::string& id, const nlohmann::json& body);
  Result<nlohmann::json> get(const std::string& id);
  Result<nlohmann::json> list();

 private:
  struct Impl;
  explicit ActionDesk(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The result of a script or program: `output`; of a program also `output_json`, when the last line
// of what it wrote is a JSON object or list.
nlohmann::json script_result(const ScriptResult& script, bool try_json);

}  // namespace panshi::agent
