// SPDX-License-Identifier: Apache-2.0
// NetworkClaim: two labs that start at the same moment do not take the same network, although
// neither listens there yet. Held from the choice of the network until the lab is up; the kernel
// drops it with the process. A name in the abstract socket namespace: no file, no rights needed.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace panshi::cli {

class NetworkClaim {
 public:
  static std::optional<NetworkClaim> take(const std::string& network);  // none: another has it
  NetworkClaim(NetworkClaim&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  NetworkClaim& operator=(NetworkClaim&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  NetworkClaim(const NetworkClaim&) = delete;
  NetworkClaim& operator=(const NetworkClaim&) = delete;
  ~NetworkClaim();

 private:
  explicit NetworkClaim(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace panshi::cli
