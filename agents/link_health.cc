// SPDX-License-Identifier: Apache-2.0
#include "agents/link_health.h"

#include "core/base/text.h"
#include "core/io/log.h"

namespace panshi::agent {

LinkHealth::LinkHealth(const std::vector<LinkConfig>& configs, LinkTable& links) : links_(links) {
  for (const LinkConfig& link : configs) {
    if (!link.health) continue;
    for (const LinkUpstreamConfig& upstream : link.upstreams) {
      const auto where = parse_host_port(upstream.address);
      if (!where) continue;  // refused by the configuration
      ProbePlan plan;
      plan.name = cat("upstream:", link.name, ":", upstream.name);  // no probe's name has a colon
      plan.target.kind = link.health->path.empty() ? "tcp" : "http";
      plan.target.host = where->host;
      plan.target.port = where->port;
      plan.target.path = link.health->path;
      plan.every = link.health->every;
      plan.timeout = link.health->timeout;
      asked_.emplace(
          plan.name,
          Asked{link.name, upstream.name, ProbeJudge(link.health->rise, link.health->fall),
                link.health->reset_when_down ? LinkTable::Established::kReset
                                             : LinkTable::Established::kDrain});
      plans_.push_back(std::move(plan));
    }
  }
}

bool LinkHealth::take(const ProbeRun& run) {
  const auto found = asked_.find(run.probe);
  if (found == asked_.end()) return false;
  Asked& asked = found->second;
  if (!asked.judge.take(run.good)) return true;
  const bool up = asked.judge.up().value();
  log_info(cat("link ", asked.link, ": upstream ", asked.upstream,
               up ? " is healthy" : " is not: ", run.reason));
  if (auto told = links_.set_health(asked.link, asked.upstream, up, asked.established); !told) {
    log_error(cat("link ", asked.link, ": ", told.error().message));
  }
  return true;
}

}  // namespace panshi::agent
