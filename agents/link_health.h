// SPDX-License-Identifier: Apache-2.0
// LinkHealth: what the health checks of links ask, and what follows from the answers.
//
// The prober runs them as probes of its own; they are no signals. Thread `loop`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agents/config/config.h"
#include "agents/links/link_table.h"
#include "agents/probes/judge.h"
#include "agents/probes/prober.h"

namespace panshi::agent {

class LinkHealth {
 public:
  // `links` must outlive this.
  LinkHealth(const std::vector<LinkConfig>& configs, LinkTable& links);

  const std::vector<ProbePlan>& plans() const { return plans_; }
  // False: it is not a run of these. A change is told to the link table.
  bool take(const ProbeRun& run);

 private:
  struct Asked {
    std::string link;
    std::string upstream;
    ProbeJudge judge;
    LinkTable::Established established;  // what becomes of connections to one that is down
  };
  LinkTable& links_;
  std::vector<ProbePlan> plans_;
  std::map<std::string, Asked> asked_;  // by the name of the probe
};

}  // namespace panshi::agent
