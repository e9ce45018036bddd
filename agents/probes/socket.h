// SPDX-License-Identifier: Apache-2.0
// ProbeSocket: one run of a probe by TCP on a socket that never blocks: is it accepted? Thread
// `probes`.
#pragma once

#include <optional>

#include "agents/probe_target.h"
#include "core/base/result.h"

namespace panshi::agent {

class ProbeSocket {
 public:
  ProbeSocket() = default;
  ~ProbeSocket() { close(); }
  ProbeSocket(const ProbeSocket&) = delete;
  ProbeSocket& operator=(const ProbeSocket&) = delete;

  Status open(const ProbeTarget& target);  // begins to connect; REQUIRES: closed
  // None: ask again when the socket is writable; a value or an error ends the run: call close().
  std::optional<Status> connected() const;
  void close();
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

}  // namespace panshi::agent
