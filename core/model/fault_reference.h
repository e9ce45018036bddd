// SPDX-License-Identifier: Apache-2.0
// The kinds of fault told to people, in Markdown: docs/reference/faults.md and `panshi fault
// explain`.
//
// Pure. Any thread.
#pragma once

#include <string>

#include "core/model/fault_kinds.h"

namespace panshi {

// A heading, what it breaks, needs, undoes and measures, and the table of its parameters.
std::string fault_reference(const FaultKindSpec& kind);
// The page: every kind, by group.
std::string fault_reference();

}  // namespace panshi
