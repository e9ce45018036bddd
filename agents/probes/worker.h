// SPDX-License-Identifier: Apache-2.0
// ProbeWorker: runs one sql or redis probe on a thread of its own, for libraries that can only
// block. The prober keeps the time: it does not wait for a worker that hangs.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agents/config.h"
#include "core/base/result.h"

namespace panshi::agent {

class ProbeWorker {
 public:
  using Done = std::function<void(Status)>;  // on the worker's thread
  // Asks once. Keeps a connection between calls and drops it on any error.
  using Ask = std::function<Status()>;

  ProbeWorker(Ask ask, Done done);
  // Waits for a call under way: as long as its client's own timeout, rounded up to seconds.
  ~ProbeWorker();
  ProbeWorker(const ProbeWorker&) = delete;
  ProbeWorker& operator=(const ProbeWorker&) = delete;

  void start();  // REQUIRES: the one before is done

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// REQUIRES: target.kind is sql or redis.
ProbeWorker::Ask make_blocking_ask(const ProbeTarget& target, Duration timeout);

}  // namespace panshi::agent
