// SPDX-License-Identifier: Apache-2.0
#include "cli/lab/network_claim.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>

#include "core/base/text.h"

namespace panshi::cli {

std::optional<NetworkClaim> NetworkClaim::take(const std::string& network) {
  const std::string name = cat("panshi-lab-", network);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, sizeof address.sun_path - 1);  // after the zero: abstract
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  NetworkClaim claim(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (claim.fd_ < 0) return std::nullopt;
  if (bind(claim.fd_, reinterpret_cast<const sockaddr*>(&address), size) != 0) return std::nullopt;
  return claim;
}

NetworkClaim::~NetworkClaim() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace panshi::cli
