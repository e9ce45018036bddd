// SPDX-License-Identifier: Apache-2.0
// Distinct: whether each of several choices can take something that no other takes. Pure.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/model/scenario.h"

namespace panshi {

using Choices = std::vector<std::vector<std::string>>;

// A system of distinct representatives of `choices` that leaves `taken` alone exists.
bool can_be_distinct(const Choices& choices, const std::set<std::string>& taken);

// Of a scenario's faults: the choices of each `any_of`, and the services that are named outright.
struct Draws {
  Choices choices;
  std::set<std::string> named;
};
Draws draws_of(const Scenario& scenario);

}  // namespace panshi
