// SPDX-License-Identifier: Apache-2.0
// Fault: one way of breaking a node, and of mending it again.
//
// How to add one: agents/faults/README.md. The contract test runs every kind in kinds.cc.
// A fault object keeps no state but its request: what it did is in the undo record. One call at a
// time but for measure(); calls may block, each with a bound of its own.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "agents/host/host.h"
#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/json/problems.h"
#include "core/model/fault_kinds.h"

namespace panshi::agent {

class Fault {
 public:
  virtual ~Fault() = default;

  // Finds out, without touching anything, what apply() will touch and what revert() must know:
  // stored durably as `resolved` before apply(). Refuses what cannot or must not be broken.
  virtual Result<nlohmann::json> resolve() = 0;

  // Breaks the node. On error revert() is called, which must cope with a half-applied fault.
  virtual Status apply(const nlohmann::json& resolved) = 0;

  // Mends the node from the undo record alone: safe to call twice, before apply(), after a
  // half-finished apply(), and by a fresh object in another process after a crash.
  // kNotFound: what it broke is gone for ever, so there is nothing to mend.
  virtual Status revert(const nlohmann::json& resolved) = 0;

  // What revert(), which has ended, could not give back, and where a copy is kept; "": nothing.
  virtual std::string left(const nlohmann::json&) const { return {}; }

  // The undo record is gone for good: what revert() still needed, for being called twice, goes too.
  virtual void forget() const {}

  // The effect as measured now; an object, {} when there is nothing to measure. What was asked for
  // in figures is under "effects" (agents/faults/effect.h). Any thread.
  virtual nlohmann::json measure(const nlohmann::json& resolved) const = 0;
};

// Checked against the kind: every parameter is there, defaults filled in.
struct FaultRequest {
  std::string id;
  std::string target;  // name of the service, link, node, ...
  std::map<std::string, std::string> params;
  std::string target_key = "service";  // what `target` names: of FaultKindSpec::target_keys()
  std::string kind = {};

  const std::string& text(const std::string& name) const { return params.at(name); }
  // REQUIRES: a parameter of that type.
  Duration duration(const std::string& name) const;
  std::int64_t integer(const std::string& name) const;
  std::int64_t size(const std::string& name) const;  // bytes
  double percent(const std::string& name) const;
};

struct AccountGroup;  // agents/faults/account.h

// How a kind of core/model/fault_kinds is put in force.
struct FaultMeans {
  const char* kind;
  std::unique_ptr<Fault> (*make)(const FaultRequest& request, Host& host);
  bool cheap_measure;  // measure() takes no more than a look into /proc or at a link
  // Why this node cannot do it now; empty when it can.
  std::string (*why_not)(Host& host);
  const AccountGroup* accounts = nullptr;  // whose accounts `why_not` asks
};

struct FaultKind : FaultKindSpec, FaultMeans {};

// Every kind this build knows, sorted by name.
std::span<const FaultKind> fault_kinds();
// kInvalid with the nearest name and the list.
Result<const FaultKind*> find_kind(const std::string& name);
// Reads target and params of `kind`; every mistake goes to `problems` with its path.
FaultRequest read_request(const FaultKind& kind, std::string id, const nlohmann::json& target,
                          const nlohmann::json& params, Problems& problems);
// The answer of GET /v1/faults/kinds. Asks every account once, all at the same time.
nlohmann::json kinds_json(Host& host);

}  // namespace panshi::agent
