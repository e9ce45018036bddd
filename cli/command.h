// SPDX-License-Identifier: Apache-2.0
// Command: one row of the table of everything `panshi` can do (commands.cc).
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/terminal.h"

namespace panshi::cli {

struct Argument {
  std::string name;   // "scenario" by position, "--seed" by name
  std::string value;  // what stands for its value in --help; empty: a switch. "N": an integer
  std::string help;
  bool required = false;
  bool many = false;
  std::int64_t min = std::numeric_limits<std::int64_t>::min();  // of an integer
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};

// What was typed. Unknown names are a bug in the command's row.
struct Invocation {
  std::map<std::string, std::vector<std::string>> values;
  bool json = false;  // one document on stdout, messages on stderr
  Terminal& terminal;

  bool has(const std::string& name) const { return values.contains(name); }
  std::string text(const std::string& name, std::string fallback = {}) const;
  std::vector<std::string> texts(const std::string& name) const;
  std::optional<std::int64_t> integer(const std::string& name) const;
};

struct Command {
  std::string noun;
  std::string verb;  // empty: the noun alone
  std::string summary;
  std::string example;
  std::vector<Argument> arguments;
  int (*run)(Invocation&);
};

// Each noun's rows; commands.cc puts them in order.
std::vector<Command> status_commands();
std::vector<Command> lab_commands();
std::vector<Command> drill_commands();
std::vector<Command> schedule_commands();
std::vector<Command> halt_commands();
std::vector<Command> incident_commands();
std::vector<Command> runbook_commands();
std::vector<Command> fault_commands();
std::vector<Command> link_commands();
std::vector<Command> agent_commands();
std::vector<Command> reload_commands();
std::vector<Command> report_commands();
std::vector<Command> tls_commands();
std::vector<Command> token_commands();
std::vector<Command> audit_commands();
std::vector<Command> validate_commands();
std::vector<Command> all_commands();

}  // namespace panshi::cli
