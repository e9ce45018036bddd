// SPDX-License-Identifier: Apache-2.0
// ProbeWorker: runs one probe that blocks on a thread of its own, for libraries that can only
// block. The prober keeps the time: it does not wait for a worker that hangs.
#pragma once

#include <functional>
#include <memory>

#include "agents/probes/kinds/kind.h"

namespace panshi::agent {

class ProbeWorker {
 public:
  using Done = std::function<void(ProbeAnswer)>;  // on the worker's thread

  ProbeWorker(ProbeAsk ask, Done done);
  // Waits for a call under way: as long as its client's own timeout, rounded up to seconds.
  ~ProbeWorker();
  ProbeWorker(const ProbeWorker&) = delete;
  ProbeWorker& operator=(const ProbeWorker&) = delete;

  void start();  // REQUIRES: the one before is done

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace panshi::agent
