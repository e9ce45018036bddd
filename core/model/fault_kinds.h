// SPDX-License-Identifier: Apache-2.0
// The kinds of fault: what each breaks, its parameters with unit, bounds and default, what it
// needs, what undo means and how its effect is measured.
//
// One table for validation, the agents, the CLI and the reference; the rows are in
// core/model/faults, a file for each group. How a fault is put in force is agents/faults. Pure. Any
// thread.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/json/problems.h"
#include "core/model/forms.h"

namespace panshi {

struct FaultParam {
  // In JSON and YAML: kDuration "250ms"; kInteger 8080; kSize "64MiB" or bytes; kPercent 12.5.
  enum class Type { kText, kDuration, kInteger, kSize, kPercent };
  const char* name;
  Type type;
  const char* default_text;  // null: it must be given
  const char* min;           // "": a text, unbounded
  const char* max;
  const char* words;  // "KILL|TERM": the words allowed; "" for any text
  const char* summary;
  TextForm form = nullptr;  // of a text that stands for more than words; null: none

  const char* unit() const;  // "ms", "bytes", "%"; "" for none
};

// What a fault has to itself while it is in force, so that no two undo each other. Compared over
// everything that its target is by then: the service, and each process of it.
struct FaultHold {
  enum class Ends { kNothing, kOnce, kAlways };  // kAlways: and again until it is reverted
  const char* what = "";  // "accounts": nobody else of the same word; "": it shares
  const char* by = "";    // the parameter, or fact of the undo record, that says whose; "": target
  // Processes of its target that it ends: refused while another fault counts on them.
  Ends ends = Ends::kNothing;
};

struct FaultKindSpec {
  const char* name;          // as written in scenarios: "process.pause"
  const char* summary;       // one sentence
  const char* target_key;    // "service", "link" or "node"
  const char* also_on = "";  // further keys, "process|cgroup|unit"
  std::span<const FaultParam> params;
  // What of the node's configuration it works through: an entry of the service, or of one of the
  // node's ("sql", "redis", "nats", "nats.monitor", "load"), "http" for a link that carries it,
  // "directories" for a path in one of them; "": nothing.
  const char* through = "";
  const char* needs;     // of the node, in words: "root, nft"; "" when it always can
  const char* undo;      // one sentence: what revert does
  const char* measured;  // one sentence: how the effect is measured
  // What of `measured` shows that it had an effect, by any of "gone|starts|!linked": a figure above
  // zero, a flag that is true, with ! one that is not; "effects": one of them met, or not zero.
  // "*": nothing does, its coming into force is all that is known.
  const char* shown_by;
  FaultHold holds = {};

  bool on(std::string_view what) const { return target_key == what; }
  std::vector<std::string> target_keys() const;  // target_key first
  bool takes(std::string_view key) const;        // whether a target of that key can be broken
};

// How a target of that key is written in a scenario: "{service}", "{node, link}".
std::string target_shape(std::string_view key);

// Whether the measurement shows an effect (FaultKindSpec::shown_by).
bool shows_effect(const FaultKindSpec& kind, const nlohmann::json& measured);

// Every kind, sorted by name.
std::span<const FaultKindSpec> fault_kind_specs();
std::vector<std::string> fault_kind_names();
const FaultKindSpec* find_fault_kind(std::string_view name);  // null: unknown

// Every parameter of the kind as text, defaults filled in, in one spelling each (duration_text(),
// size_text(), number_text()); every mistake goes to `problems` with its path. `params` may be
// null.
std::map<std::string, std::string> read_fault_params(const FaultKindSpec& kind,
                                                     const nlohmann::json& params,
                                                     const std::string& path, Problems& problems);

// The other way round, for what reads them again: integers and percents as numbers.
nlohmann::json fault_params_json(const FaultKindSpec& kind,
                                 const std::map<std::string, std::string>& params);

// {"name","summary","target","targets":["service",…],"needs","undo","measured","holds","params":[{
// "name","type","unit","default","min","max","summary","words"?}]}; default null: must be given.
nlohmann::json to_json(const FaultKindSpec& kind);

}  // namespace panshi
