// SPDX-License-Identifier: Apache-2.0
// Sends bytes to a TCP port as they are, for requests that no decent client would make.
#pragma once

#include <cstdint>
#include <string>

namespace panshi {

// `from`: of this machine's addresses, "" for any. Everything the other end answers until it
// closes; "" when it refuses the connection. Stops sending once the other end has gone, gives up
// after ten seconds of silence.
std::string raw_http(std::uint16_t port, const std::string& bytes,
                     const std::string& address = "127.0.0.1", const std::string& from = "");

inline int raw_status(const std::string& answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::stoi(answer.substr(9, 3)) : 0;
}

}  // namespace panshi
