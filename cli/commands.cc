// SPDX-License-Identifier: Apache-2.0
#include <iterator>
#include <utility>

#include "cli/command.h"
#include "cli/exit_codes.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace panshi::cli {

int exit_code_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalid:
    case ErrorCode::kNotFound:
      return kUsage;
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
      return kUnreachable;
    case ErrorCode::kConflict:
      return kRefused;
    case ErrorCode::kRefused:
      return kNotAllowed;
    default:
      return kFail;
  }
}

std::string Invocation::text(const std::string& name, std::string fallback) const {
  const auto found = values.find(name);
  return found == values.end() || found->second.empty() ? std::move(fallback) : found->second[0];
}

std::vector<std::string> Invocation::texts(const std::string& name) const {
  const auto found = values.find(name);
  return found == values.end() ? std::vector<std::string>() : found->second;
}

std::optional<std::int64_t> Invocation::integer(const std::string& name) const {
  if (!has(name)) return std::nullopt;
  const Result<std::int64_t> value = parse_integer(text(name));
  CHECK_BUG(value.has_value());  // parse.cc has checked it
  return *value;
}

std::vector<Command> all_commands() {
  std::vector<Command> all;
  for (const auto noun : {status_commands, lab_commands, drill_commands, schedule_commands,
                          halt_commands, incident_commands, runbook_commands, fault_commands,
                          link_commands, agent_commands, reload_commands, report_commands,
                          tls_commands, token_commands, audit_commands, validate_commands}) {
    std::vector<Command> rows = noun();
    std::move(rows.begin(), rows.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace panshi::cli
