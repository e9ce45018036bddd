// SPDX-License-Identifier: Apache-2.0
#include "agents/toxiproxy/resolve.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>

#include "agents/links/socket.h"
#include "core/base/text.h"

namespace panshi::agent::toxiproxy {

Result<std::string> resolve(const std::string& host_and_port) {
  if (host_and_port.empty()) return std::string("[::]:0");
  const auto colon = host_and_port.rfind(':');
  if (colon == std::string::npos) {
    return fail(ErrorCode::kInvalid, cat("address ", host_and_port, ": missing port in address"));
  }
  if (const auto numeric = parse_address(host_and_port)) return address_text(*numeric);
  const std::string host = host_and_port.substr(0, colon);
  const std::string port = host_and_port.substr(colon + 1);
  if (host.empty()) return cat("[::]:", port.empty() ? "0" : port);
  if (host == "localhost") return cat("127.0.0.1:", port);
  addrinfo wanted = {};
  wanted.ai_family = AF_INET;  // as "localhost" does, and as most servers listen
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int code = ::getaddrinfo(host.c_str(), port.c_str(), &wanted, &list); code != 0) {
    return fail(ErrorCode::kUnavailable, cat("lookup ", host, ": ", ::gai_strerror(code)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> found(list, ::freeaddrinfo);
  Address address;
  address.size = found->ai_addrlen;
  *reinterpret_cast<sockaddr_in*>(&address.bytes) =
      *reinterpret_cast<const sockaddr_in*>(found->ai_addr);
  return address_text(address);
}

}  // namespace panshi::agent::toxiproxy
