// SPDX-License-Identifier: Apache-2.0
// Every kind of fault on a FakeHost, with every way of naming its target.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agents/faults/fault.h"
#include "tests/unit/agents/faults/fake_host.h"

namespace panshi::agent {

inline FaultRequest request_of(const FaultKind& kind, FakeHost& host, const std::string& key = "") {
  Problems problems;
  auto request = read_request(kind, "f1", sample_target(kind.name, key),
                              sample_params(kind.name, host), problems);
  REQUIRE(problems.empty());
  return request;
}

inline std::unique_ptr<Fault> make(const FaultKind& kind, FakeHost& host,
                                   const std::string& key = "") {
  return kind.make(request_of(kind, host, key), host);
}

struct Case {
  const FaultKind* kind;
  std::string key;  // of its target
};

// Every kind with every way of naming its target, where there is an undo: a process that was killed
// by its name is for somebody else to start.
inline std::vector<Case> mendable() {
  std::vector<Case> cases;
  for (const FaultKind& kind : fault_kinds()) {
    const bool ends = std::string_view(kind.name) != "process.pause";
    for (const std::string& key : kind.target_keys()) {
      if (ends && (key == "process" || key == "cgroup")) continue;
      cases.push_back({&kind, key});
    }
  }
  return cases;
}

}  // namespace panshi::agent
