// SPDX-License-Identifier: Apache-2.0
// Site: a controller and its agents, real programs in a temporary folder, for measurements of the
// control plane. Loopback alone; plain, or TLS with certificates of its own.
//
// All of them end with it. One thread.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/io/http_client.h"
#include "core/pki/authority.h"
#include "tests/support/temporary_folder.h"

namespace panshi::bench {

// A program that ends, by SIGTERM, with the object.
class Program {
 public:
  Program() = default;
  Program(Program&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  Program& operator=(Program&&) = delete;
  ~Program() { end(); }
  void start(const std::string& program, const std::string& config, const std::string& log);
  void end();
  pid_t pid() const { return pid_; }
  double resident_mb() const;  // of a million bytes; below 0: not known
  double cpu_seconds() const;

 private:
  pid_t pid_ = 0;
};

// A figure beside its goal; whether it is met. Below 0: not known, so missed.
bool show(const std::string& what, double value, double goal, const char* unit);

class Site {
 public:
  struct Agent {
    std::string name;
    std::string address;   // 127.x.y.z
    std::string services;  // the block `services:` of its configuration
    std::string names;     // of them, as the inventory has it: "s-0, s-1"
  };

  Site(bool tls, std::vector<Agent> agents);
  // Into the configuration folder of the controller: "rules/r.yaml".
  void write(const std::string& file, const std::string& text);
  // False: not up within eventually()'s time; logs() say why.
  bool start(const std::string& bin);
  nlohmann::json get(const std::string& path);  // {}: no answer
  nlohmann::json post(const std::string& path, const nlohmann::json& body);
  HttpCall health() const;                  // of the controller
  HttpCall health_of(std::size_t i) const;  // of an agent
  int up();                                 // agents that the controller hears
  std::string logs() const;

  const Program& controller() const { return controller_; }
  const std::vector<Program>& agents() const { return programs_; }
  const std::string& url() const { return url_; }

 private:
  std::string tls_lines(const std::string& peer) const;
  HttpCall call_to(std::string url) const;
  nlohmann::json answer_to(HttpCall call);

  TemporaryFolder folder_;
  std::optional<Authority> authority_;
  std::vector<Agent> described_;
  std::vector<std::string> urls_;  // of the agents
  std::vector<Program> programs_;
  Program controller_;
  HttpClient http_;
  std::string url_;
};

}  // namespace panshi::bench
