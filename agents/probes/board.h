// SPDX-License-Identifier: Apache-2.0
// ProbeBoard: how each probe of the node stands, and the signals and events that follow from runs.
//
// Pure. Thread `loop`.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "agents/api/event_log.h"
#include "agents/config/config.h"
#include "agents/probes/judge.h"
#include "agents/probes/prober.h"

namespace panshi::agent {

struct ProbeNews {
  std::vector<SignalSample> samples;
  std::vector<std::pair<std::string, nlohmann::json>> events;
};

class ProbeBoard {
 public:
  // `probes` must outlive this.
  explicit ProbeBoard(const std::vector<ProbeConfig>& probes);

  void take(const ProbeRun& run, ProbeNews& news);
  // For the `process` probes: whether the service's process lives.
  void process_seen(const std::string& service, bool lives, MonoTime now, ProbeNews& news);
  // The samples of `process` probes again; they have no runs.
  void repeat(MonoTime now, ProbeNews& news) const;
  // Array of `probe` as in docs/reference/agent-api.md.
  nlohmann::json view() const;

 private:
  struct Entry {
    const ProbeConfig* config;
    ProbeJudge judge;
    std::string reason;
    Duration latency{};
  };
  static void changed(Entry& entry, ProbeNews& news);
  static void sample_up(const Entry& entry, MonoTime at, ProbeNews& news);

  std::map<std::string, Entry> entries_;
};

}  // namespace panshi::agent
