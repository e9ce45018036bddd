// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace panshi {

// In numbers, of either family, without a port or brackets: "10.0.0.1", "fe80::1".
bool is_ip_address(const std::string& text);

// Whom limits count as one: of an IPv6 address its /64 ("2001:db8:5:6::/64"), which a household
// gets whole; of one that maps IPv4, and of anything else, what it is.
std::string network_of(const std::string& address);

}  // namespace panshi
