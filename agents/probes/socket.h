// SPDX-License-Identifier: Apache-2.0
// ProbeSocket: one run of a probe by TCP or HTTP on a socket that never blocks. Thread `probes`.
#pragma once

#include <optional>
#include <string>

#include "agents/probes/http_answer.h"
#include "agents/probes/kinds/kind.h"
#include "core/base/result.h"

namespace panshi::agent {

class ProbeSocket {
 public:
  ProbeSocket() = default;
  ~ProbeSocket() { close(); }
  ProbeSocket(const ProbeSocket&) = delete;
  ProbeSocket& operator=(const ProbeSocket&) = delete;

  // Begins to connect. REQUIRES: closed; `target` lives until the run ends.
  Status open(const ProbeTarget& target, ProbeKind::Way way);
  // Goes as far as it can. None: call again when the socket is readable (or writable, while
  // wants_write()); a value or an error ends the run: call close().
  std::optional<Status> advance();
  void close();

  int fd() const { return fd_; }
  bool wants_write() const { return !sent_; }
  const std::string& body() const { return answer_.body(); }  // http, after a good run

 private:
  std::optional<Status> see_connected() const;
  std::optional<Status> send_request();
  std::optional<Status> read_answer();

  const ProbeTarget* target_ = nullptr;
  ProbeKind::Way way_ = ProbeKind::Way::kConnect;
  int fd_ = -1;
  bool sent_ = false;
  HttpAnswer answer_;
};

}  // namespace panshi::agent
