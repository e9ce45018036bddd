// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/holds.h"

#include <algorithm>

#include "agents/faults/process/target_processes.h"
#include "core/base/text.h"
#include "core/json/fields.h"

namespace panshi::agent {
namespace {

using nlohmann::json;
using Ends = FaultHold::Ends;

void add_service(const std::string& service, Host& host, Holds& holds) {
  holds.targets.push_back(cat("service ", service));
  const auto leader = host.process_of(service);
  if (!leader) return;  // it does not run
  const std::vector<ProcessName> group = host.group_of(*leader);
  holds.processes.insert(holds.processes.end(), group.begin(), group.end());
}

std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

bool is_service(const std::string& target) { return target.starts_with("service "); }

// "service web", "process 4711": what both are about; empty: nothing.
std::string shared(const Holds& some, const Holds& others, bool only_services) {
  for (const std::string& each : some.targets) {
    if (only_services && !is_service(each)) continue;
    const auto& all = others.targets;
    if (std::find(all.begin(), all.end(), each) != all.end()) return each;
  }
  for (const ProcessName& each : some.processes) {
    const auto& all = others.processes;
    if (std::find(all.begin(), all.end(), each) != all.end()) return cat("process ", each.pid);
  }
  return {};
}

}  // namespace

Holds holds_of(const FaultKindSpec& kind, const FaultFacts& facts, const json& resolved,
               Host& host) {
  Holds holds{.what = kind.holds, .targets = {}, .processes = {}, .called = {}};
  if (const std::string by = kind.holds.by; !by.empty()) {
    const json none;
    const json& value = facts.params.contains(by) ? facts.params.at(by) : resolved.value(by, none);
    holds.targets.push_back(cat(kind.holds.what, " ", text_of(value)));
    holds.called = facts.params.value("path", std::string());
    return holds;
  }
  for (const auto& [key, name] : facts.target.items()) {
    if (key == "service") {
      add_service(name, host, holds);
    } else {
      holds.targets.push_back(cat(key, " ", text_of(name)));
    }
  }
  if (resolved.contains("processes")) {
    const std::vector<ProcessName> chosen = present(processes_from(resolved), host);
    holds.processes.insert(holds.processes.end(), chosen.begin(), chosen.end());
  }
  for (const json& each : resolved.value("services", json::array())) {  // of several at once
    add_service(each.at("service"), host, holds);
  }
  return holds;
}

std::optional<std::string> clash(const Holds& holds, const Holds& other) {
  const std::string_view word = holds.what.what;
  if (!word.empty() && word == other.what.what) {
    const std::string target = shared(holds, other, false);
    if (!target.empty() && !other.called.empty()) return cat("has ", other.called, " to itself");
    if (!target.empty()) return cat("has the ", std::string(word), " of ", target, " to itself");
  }
  // Two that end processes do not mind each other; what counts on them minds both.
  const bool ends = holds.what.ends != Ends::kNothing;
  const bool other_ends = other.what.ends != Ends::kNothing;
  if (ends == other_ends || other.what.ends == Ends::kOnce) return std::nullopt;  // it has done so
  const std::string target = shared(holds, other, true);
  if (target.empty()) return std::nullopt;
  if (ends) return cat("counts on ", target, ", which this would end");
  return cat("ends ", target, " again");
}

}  // namespace panshi::agent
