// SPDX-License-Identifier: Apache-2.0
// What tools and /proc say, without what changes by itself. Pure.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"

namespace panshi::agent {

using Lines = std::vector<std::string>;

Lines lines_of(const std::string& text);                // without empty ones
Lines read_iptables(const std::string& save_output);    // without comments and packet counts
Result<Lines> read_qdiscs(const std::string& tc_json);  // "eth0 root tbf 7a5: {options}"
Lines read_mounts(const std::string& mountinfo);        // proc(5), without ids and propagation
Lines read_limits(const std::string& limits);           // /proc/PID/limits, blanks made one

}  // namespace panshi::agent
