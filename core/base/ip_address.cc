// SPDX-License-Identifier: Apache-2.0
#include "core/base/ip_address.h"

#include <arpa/inet.h>

#include <array>

namespace panshi {

bool is_ip_address(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

}  // namespace panshi
