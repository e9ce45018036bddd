// SPDX-License-Identifier: Apache-2.0
// Ids: short names that are safe in a URL, a file name and a log line.
//
// Made from a kind and a counter or a seed, never from a clock, so that a replay makes the same.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace panshi {

// What our HTTP routes accept as {id}: 1-128 characters of [A-Za-z0-9_.-], not starting with a dot.
bool is_id(std::string_view text);

// 64-bit FNV-1a: spreads names evenly and alike on every machine; no defence against people who
// choose their names.
std::uint64_t fnv1a(std::string_view text);

// 16 hex digits of `value`.
std::string hex16(std::uint64_t value);

}  // namespace panshi
