// SPDX-License-Identifier: Apache-2.0
// The kinds of fault: what each breaks, and its parameters with unit, bounds and default.
//
// One table for validation, the agents, the CLI and the reference; how a fault is put in force is
// agents/faults/kinds.cc. Pure. Any thread.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/json/problems.h"

namespace panshi {

struct FaultParam {
  enum class Type { kText, kDuration };
  const char* name;
  Type type;
  const char* unit;  // "ms", "" for none
  const char* default_text;
  const char* min;  // "" when unbounded or listed in `words`
  const char* max;
  const char* words;  // "KILL|TERM": the words allowed; "" for any
  const char* summary;
};

struct FaultKindSpec {
  const char* name;        // as written in scenarios: "process.pause"
  const char* summary;     // one sentence
  const char* target_key;  // "service" or "link"
  std::span<const FaultParam> params;

  bool on_link() const { return std::string_view(target_key) == "link"; }
};

// Every kind, sorted by name.
std::span<const FaultKindSpec> fault_kind_specs();
std::vector<std::string> fault_kind_names();
const FaultKindSpec* find_fault_kind(std::string_view name);  // null: unknown

// Every parameter of the kind, defaults filled in, durations as duration_text(); every mistake goes
// to `problems` with its path. `params` may be null.
std::map<std::string, std::string> read_fault_params(const FaultKindSpec& kind,
                                                     const nlohmann::json& params,
                                                     const std::string& path, Problems& problems);

// {"name","summary","target","params":[{"name","type","unit","default","min","max","summary",
// "words"?}]}
nlohmann::json to_json(const FaultKindSpec& kind);

}  // namespace panshi
