// SPDX-License-Identifier: Apache-2.0
// ActionOrder: the body of PUT /v1/actions/{id}, checked against the node's configuration.
//
// Touches nothing but to look at a script's file.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "agents/config/config.h"
#include "core/base/result.h"

namespace panshi::agent {

// Where a link's connections go.
struct LinkOrder {
  std::string verb;  // reroute | drain | undrain | weights
  std::string link;
  std::string upstream;                // all but weights
  bool reset_established = false;      // reroute
  Duration within{};                   // drain: then what is established is reset
  std::map<std::string, int> weights;  // weights: by upstream
};

struct ActionOrder {
  std::string kind;  // start | stop | restart | mark | script | program, or a verb of LinkOrder
  Duration timeout{};
  std::string service;
  LinkOrder link;
  std::string as;                          // mark
  std::string name;                        // script, program
  Argv argv;                               // script, program
  std::optional<RunAs> user = {};          // the same
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
