// SPDX-License-Identifier: Apache-2.0
// The rows of the kinds table, a file for each group, and short ways of writing a parameter.
#pragma once

#include <span>

#include "core/model/fault_kinds.h"

namespace panshi {

std::span<const FaultKindSpec> database_faults();
std::span<const FaultKindSpec> dns_faults();
std::span<const FaultKindSpec> file_faults();
std::span<const FaultKindSpec> link_faults();
std::span<const FaultKindSpec> load_faults();
std::span<const FaultKindSpec> network_faults();
std::span<const FaultKindSpec> process_faults();
std::span<const FaultKindSpec> queue_faults();
std::span<const FaultKindSpec> redis_faults();
std::span<const FaultKindSpec> resource_faults();
std::span<const FaultKindSpec> syscall_faults();
std::span<const FaultKindSpec> time_faults();

constexpr FaultParam word_param(const char* name, const char* default_text, const char* words,
                                const char* summary) {
  return {name, FaultParam::Type::kText, default_text, "", "", words, summary};
}
// Any text; null as the default: it must be given.
constexpr FaultParam text_param(const char* name, const char* default_text, const char* summary,
                                TextForm form = nullptr) {
  return {name, FaultParam::Type::kText, default_text, "", "", "", summary, form};
}
constexpr FaultParam duration_param(const char* name, const char* default_text, const char* min,
                                    const char* max, const char* summary) {
  return {name, FaultParam::Type::kDuration, default_text, min, max, "", summary};
}
constexpr FaultParam integer_param(const char* name, const char* default_text, const char* min,
                                   const char* max, const char* summary) {
  return {name, FaultParam::Type::kInteger, default_text, min, max, "", summary};
}
constexpr FaultParam size_param(const char* name, const char* default_text, const char* min,
                                const char* max, const char* summary) {
  return {name, FaultParam::Type::kSize, default_text, min, max, "", summary};
}
constexpr FaultParam percent_param(const char* name, const char* default_text, const char* min,
                                   const char* max, const char* summary) {
  return {name, FaultParam::Type::kPercent, default_text, min, max, "", summary};
}

}  // namespace panshi
