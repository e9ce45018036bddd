// SPDX-License-Identifier: Apache-2.0
// Leftovers: faults that an agent says are in force and that nobody here ordered. An honest node
// has some after its controller lost its state; one that is not can make up as many as it likes.
//
// Promise: they are reverted as any other, but however many a node tells of, they keep nothing open
// and stop no drill that does not touch that node. Pure.
#pragma once

#include <set>
#include <string>

#include "controller/world/context.h"

namespace panshi::controller {

// Whether one more is taken in of the node: limits::kLeftoversMax are in force at once. What is not
// taken in is renewed by nobody and ends with its lease. The first time one line says so.
bool take_leftover(Context& context, const std::string& node, const std::string& fault);

// The nodes on which the targets are.
std::set<std::string> nodes_of(const Inventory& inventory, const std::vector<Target>& targets);

// Opened for nothing but leftovers, all of them on nodes that are not among these.
bool is_elsewhere(const State& state, const IncidentFacts& incident,
                  const std::set<std::string>& nodes);

// The nodes that the incident is about: those of its rules, its faults and its drill.
std::set<std::string> nodes_of(const Catalog& catalog, const State& state,
                               const IncidentFacts& incident);

}  // namespace panshi::controller
