// SPDX-License-Identifier: Apache-2.0
#include "agents/links/link_table.h"

namespace panshi::agent {
namespace {

nlohmann::json toxic_json(const std::string& id, const Toxic& toxic) {
  switch (toxic.kind) {
    case Toxic::Kind::kDown:
      return {{"id", id}, {"type", "down"}};
    case Toxic::Kind::kReset:
      return {{"id", id}, {"type", "reset"}};
    case Toxic::Kind::kDelay:
      break;
  }
  const char* const direction = toxic.direction == Toxic::Direction::kUpstream     ? "upstream"
                                : toxic.direction == Toxic::Direction::kDownstream ? "downstream"
                                                                                   : "both";
  return {{"id", id},
          {"type", "delay"},
          {"delay_us", toxic.delay.count()},
          {"jitter_us", toxic.jitter.count()},
          {"direction", direction}};
}

}  // namespace

nlohmann::json to_json(const LinkState& link) {
  nlohmann::json upstreams = nlohmann::json::array();
  for (const LinkUpstream& upstream : link.upstreams) {
    upstreams.push_back({{"name", upstream.name}, {"address", upstream.address}});
  }
  nlohmann::json toxics = nlohmann::json::array();
  for (const auto& [id, toxic] : link.toxics) toxics.push_back(toxic_json(id, toxic));
  return {{"name", link.name},
          {"listen", link.listen},
          {"upstream", link.upstream},
          {"upstreams", std::move(upstreams)},
          {"connections", link.connections},
          {"accepted", link.accepted},
          {"connect_failed", link.connect_failed},
          {"bytes_upstream", link.bytes_upstream},
          {"bytes_downstream", link.bytes_downstream},
          {"toxics", std::move(toxics)},
          {"down", link.down}};
}

}  // namespace panshi::agent
