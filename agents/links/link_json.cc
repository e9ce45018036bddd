// SPDX-License-Identifier: Apache-2.0
#include "agents/links/link_table.h"

namespace panshi::agent {
namespace {

nlohmann::json http_json(const Toxic& toxic) {
  const HttpRule& rule = *toxic.http;
  nlohmann::json json{{"method", rule.method}, {"path", rule.path}};
  if (toxic.kind == Toxic::Kind::kHttpDelay) json["delay_us"] = toxic.delay.count();
  if (toxic.kind == Toxic::Kind::kHttpStatus) json["status"] = rule.status;
  if (toxic.kind == Toxic::Kind::kHttpHeader) {
    json["header"] = rule.header;
    json["of"] = rule.on_request ? "request" : "answer";
    json["value"] = rule.removes ? nlohmann::json(nullptr) : nlohmann::json(rule.value);
  }
  return json;
}

nlohmann::json toxic_json(const std::string& id, const Toxic& toxic) {
  using Kind = Toxic::Kind;
  const Kind kind = toxic.kind;
  nlohmann::json json{{"id", id}, {"type", to_text(kind)}};
  if (kind == Kind::kDown || kind == Kind::kReset) return json;
  json["toxicity"] = toxic.toxicity;
  if (kind == Kind::kRefuse) return json;
  if (toxic.http) {
    json.update(http_json(toxic));
    return json;
  }
  json["direction"] = to_text(toxic.direction);
  if (kind != Kind::kBandwidth && kind != Kind::kLimit && kind != Kind::kNothing) {
    json["delay_us"] = toxic.delay.count();
  }
  if (kind == Kind::kDelay) json["jitter_us"] = toxic.jitter.count();
  if (kind == Kind::kBandwidth) json["bytes_per_second"] = toxic.rate;
  if (kind == Kind::kLimit || kind == Kind::kSlicer) json["bytes"] = toxic.bytes;
  if (kind == Kind::kSlicer) json["variation"] = toxic.variation;
  return json;
}

}  // namespace

nlohmann::json to_json(const LinkState& link) {
  nlohmann::json upstreams = nlohmann::json::array();
  for (const UpstreamState& upstream : link.upstreams) {
    upstreams.push_back({{"name", upstream.name},
                         {"address", upstream.address},
                         {"weight", upstream.weight},
                         {"health", upstream.health},
                         {"drained", upstream.drained},
                         {"connections", upstream.connections}});
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
          {"refused_full", link.refused_full},
          {"bad_headers", link.bad_headers},
          {"bytes_upstream", link.bytes_upstream},
          {"bytes_downstream", link.bytes_downstream},
          {"toxics", std::move(toxics)},
          {"protocol", link.http ? "http" : "tcp"},
          {"down", link.down}};
}

}  // namespace panshi::agent
