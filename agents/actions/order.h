// SPDX-License-Identifier: Apache-2.0
// ActionOrder: the body of PUT /v1/actions/{id}, checked against the node's configuration.
//
// Touches nothing but to look at a script's file.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "agents/config.h"
#include "core/base/result.h"

namespace panshi::agent {

struct ActionOrder {
  std::string kind;  // start | stop | restart | reroute | mark | script | program
  Duration timeout{};
  std::string service;
  std::string link;
  std::string to;                          // reroute: name of the upstream
  bool reset_established = false;          // reroute
  std::string as;                          // mark
  std::string name;                        // script, program
  Argv argv;                               // script, program
  std::map<std::string, std::string> env;  // script: as given

  // kInvalid: every mistake with its path; kNotFound: no such service, link, script or program.
  static Result<ActionOrder> read(const nlohmann::json& body, const AgentConfig& config);
};

// The file of a script: regular, executable and really in `scripts`, wherever links may lead.
Result<std::filesystem::path> find_script(const std::filesystem::path& scripts,
                                          const std::string& name);

// Each `{name}` in the command replaced by its argument as it is; other braces stay. No shell ever
// sees it. kInvalid: an argument too many, one missing.
Result<Argv> fill_program(const ProgramConfig& program,
                          const std::map<std::string, std::string>& arguments);

// "PANSHI_PID_CARDKEYS_PRIMARY"
std::string pid_variable(const std::string& service);

}  // namespace panshi::agent
