// SPDX-License-Identifier: Apache-2.0
#include "agents/link_spec.h"

namespace panshi::agent {
namespace {

Failback failback_of(const std::string& word) {
  if (word == "never") return Failback::kNever;
  return word == "at_once" ? Failback::kAtOnce : Failback::kHeld;
}

}  // namespace

LinkSpec link_spec(const LinkConfig& link) {
  LinkSpec spec;
  spec.name = link.name;
  spec.listen = link.listen;
  spec.http = link.http;
  for (const auto& [name, address, weight] : link.upstreams) {
    spec.upstreams.push_back({name, address, weight});
  }
  spec.by_weight = link.by_weight;
  spec.failback = failback_of(link.failback);
  spec.failback_hold = link.failback_hold;
  spec.connections_max = link.connections_max;
  spec.connections_per_source = link.connections_per_source;
  spec.source = link.source;
  spec.upstream_account = link.account;
  spec.send_proxy = link.send_proxy;
  spec.proxies = link.proxies;
  return spec;
}

}  // namespace panshi::agent
