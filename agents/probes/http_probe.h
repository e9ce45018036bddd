// SPDX-License-Identifier: Apache-2.0
// HttpProbes: one GET each, over HTTP or HTTPS, by libcurl on one thread that waits for nobody: a
// server that hangs at any byte, or trickles, holds up its own run alone.
//
// Each run is a new connection. Answers are bounded by limits::kProbeBodyMax, a run by its timeout.
#pragma once

#include <functional>
#include <memory>

#include "agents/probes/kinds/kind.h"
#include "core/io/http_client.h"

namespace panshi::agent {

class HttpProbes {
 public:
  using Done = std::function<void(ProbeAnswer)>;  // on the thread `fleet`; must not block

  HttpProbes();
  // `kind` judges the answer. The caller gives up after `timeout` itself: `done` comes a little
  // later then, and says nothing new.
  void start(const ProbeKind& kind, const ProbeTarget& target, Duration timeout, Done done);

 private:
  HttpFleet fleet_;
};

}  // namespace panshi::agent
