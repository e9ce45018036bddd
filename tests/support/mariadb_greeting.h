// SPDX-License-Identifier: Apache-2.0
// What a server of MariaDB says first, as whoever poses as one does.
#pragma once

#include <string>

namespace panshi {

inline std::string mariadb_packet(int number, const std::string& text) {
  const auto size = static_cast<unsigned>(text.size());
  std::string packet;
  for (const unsigned part : {size, size >> 8, size >> 16, static_cast<unsigned>(number)}) {
    packet += static_cast<char>(part & 0xff);
  }
  return packet + text;
}

// Without its head.
inline std::string mariadb_greeting() {
  using namespace std::string_literals;
  const auto flags = [](unsigned bits) {
    return std::string{static_cast<char>(bits & 0xff), static_cast<char>(bits >> 8)};
  };
  // Protocol 4.1, secure connection, local files, transactions; then plugins, several statements.
  return "\x0a"s + "5.5.5-10.11.6-MariaDB\0"s + "\x07\0\0\0"s + "12345678\0"s +
         flags(0x0001 | 0x0008 | 0x0080 | 0x0200 | 0x2000 | 0x8000) + "\x2d"s + "\x02\0"s +
         flags(0x0008 | 0x0001) + "\x15"s + std::string(10, '\0') + "123456789012\0"s +
         "mysql_native_password\0"s;
}

}  // namespace panshi
