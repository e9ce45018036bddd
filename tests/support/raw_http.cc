// SPDX-License-Identifier: Apache-2.0
#include "tests/support/raw_http.h"

#include "tests/support/raw_connection.h"

namespace panshi {

std::string raw_http(std::uint16_t port, const std::string& bytes, const std::string& address,
                     const std::string& from) {
  RawConnection connection(port, address, from);
  if (!connection.connected()) return "";
  (void)connection.send(bytes);
  connection.end();  // nothing more will come: the other end closes once it has answered
  return connection.rest();
}

}  // namespace panshi
