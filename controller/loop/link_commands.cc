// SPDX-License-Identifier: Apache-2.0
#include "controller/loop/link_commands.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/json/fields.h"
#include "core/model/check.h"

namespace panshi::controller {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr Duration kTimeout = 10s;

template <class Map>
std::vector<std::string> keys(const Map& map) {
  std::vector<std::string> names;
  for (const auto& [name, value] : map) names.push_back(name);
  return names;
}

// The upstreams of the link; reports what is not known.
const std::vector<std::string>* find_link(const Context& context, Fields& in, std::string& node,
                                          std::string& link) {
  in.need("node", node);
  in.need("link", link);
  const auto& nodes = context.catalog.inventory.nodes;
  const auto on = nodes.find(node);
  if (on == nodes.end()) {
    if (!node.empty()) in.problem("node", unknown_name("node", node, keys(nodes)));
    return nullptr;
  }
  const auto found = on->second.links.find(link);
  if (found != on->second.links.end()) return &found->second;
  if (!link.empty()) in.problem("link", unknown_name("link", link, keys(on->second.links)));
  return nullptr;
}

void check_upstream(Fields& in, const char* key, const std::string& name,
                    const std::vector<std::string>* known) {
  if (!known || name.empty()) return;
  if (std::find(known->begin(), known->end(), name) != known->end()) return;
  in.problem(key, unknown_name("upstream", name, *known));
}

Result<Json> act(Context& context, const std::string& kind, const Json& body) {
  Problems problems;
  Fields in(body, "", problems);
  std::string node;
  std::string link;
  const auto* upstreams = find_link(context, in, node, link);
  Json params = {{"link", link}};
  if (kind == "weights") {
    const Json* weights = in.need_value("weights");
    if (weights && weights->is_object()) {
      for (const auto& [name, weight] : weights->items()) {
        check_upstream(in, "weights", name, upstreams);
        if (weight.is_number_integer() && weight >= 0 && weight <= 1'000) continue;
        in.problem(cat("weights.", name), "must be a whole number from 0 to 1000");
      }
    }
    params["weights"] = weights ? *weights : Json();
  } else {
    std::string upstream;
    in.need("upstream", upstream);
    check_upstream(in, "upstream", upstream, upstreams);
    params["upstream"] = upstream;
  }
  if (kind == "drain") {
    Duration within = 30s;
    in.may("within", within, {0s, 24h});
    params["within"] = duration_text(within);
  }
  in.done();
  if (!problems.empty()) return tl::unexpected<Error>(problems.error());
  return order_action(context, node, kTimeout, {{"kind", kind}, {"params", std::move(params)}});
}

}  // namespace

Result<Json> order_action(Context& context, const std::string& node, Duration timeout, Json body) {
  if (!context.state.agent_up(node)) {
    const auto agent = context.state.agents.find(node);
    const std::string why = agent == context.state.agents.end() ? "" : agent->second.why;
    return fail(ErrorCode::kUnavailable,
                cat("nothing was done: agent ", node, " is down",
                    why.empty() ? ", or was not heard of yet" : ": " + why));
  }
  Effect effect;
  effect.kind = EffectKind::kAct;
  effect.node = node;
  effect.timeout = timeout;
  effect.body = std::move(body);
  effect.body["timeout_ms"] = timeout / 1ms;
  return Json{{"effect", context.intend(std::move(effect))}};
}

Result<Json> link_drain(Context& context, const Json& body) { return act(context, "drain", body); }
Result<Json> link_undrain(Context& context, const Json& body) {
  return act(context, "undrain", body);
}
Result<Json> link_weights(Context& context, const Json& body) {
  return act(context, "weights", body);
}

}  // namespace panshi::controller
