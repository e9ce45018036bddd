// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace panshi {

// In numbers, of either family, without a port or brackets: "10.0.0.1", "fe80::1".
bool is_ip_address(const std::string& text);

}  // namespace panshi
