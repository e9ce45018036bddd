// SPDX-License-Identifier: Apache-2.0
// ProbeKind: one row of the table of what a node can ask, and how.
//
// A row names its keys (read), how one run is made (way), and the signals it sends beside `P.up`
// and `P.latency_ms`. Rows are constant; their functions may be called from any thread.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agents/probe_target.h"
#include "core/base/clock.h"
#include "core/json/fields.h"

namespace panshi::agent {

struct ProbeAnswer {
  std::string reason;                                  // why the run is bad; "": it is good
  std::vector<std::pair<std::string, double>> values;  // also of a bad run
};
using ProbeAsk = std::function<ProbeAnswer()>;  // one run; blocks at most about its timeout

struct ProbeSignal {  // the probe `db` sends `lag_s` as `db.lag_s`
  std::string_view name;
  std::string_view summary;
};

struct ProbeKind {
  enum class Way {
    kKernel,    // no runs: the supervisor hears of it
    kConnect,   // a TCP connection is enough
    kHttp,      // one GET, judged by `judge`
    kBlocking,  // on a thread of its own, by `make_ask`
  };
  std::string_view name;
  std::string_view summary;
  Way way;
  bool of_node;  // asks about the node: needs no service
  void (*read)(Fields& in, ProbeTarget& target);
  ProbeAnswer (*judge)(const ProbeTarget& target, const std::string& body);
  ProbeAsk (*make_ask)(const ProbeTarget& target, Duration timeout);
  std::span<const ProbeSignal> signals;  // empty: named in the configuration, if any
};

std::span<const ProbeKind> probe_kinds();
const ProbeKind* find_probe_kind(std::string_view name);  // null when there is none

}  // namespace panshi::agent
