// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/kinds/parts.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

std::string wrong_with(const std::string& pointer) {
  if (!pointer.starts_with('/')) return "must be a JSON pointer such as /queue/depth";
  try {
    (void)json::json_pointer(pointer);
  } catch (const json::exception&) {
    return "is not a JSON pointer: `~` must be `~0` or `~1`";
  }
  return "";
}

}  // namespace

void read_http(Fields& in, ProbeTarget& target) {
  read_url(in, target);
  read_signals(in, target, wrong_with);
}

ProbeAnswer judge_http(const ProbeTarget& target, const std::string& body) {
  ProbeAnswer answer;
  if (target.pointers.empty()) return answer;
  const auto document = parse_json(body);
  if (!document) return answer;
  for (const auto& [signal, pointer] : target.pointers) {
    const json::json_pointer at(pointer);
    if (!document->contains(at)) continue;
    const json& value = document->at(at);
    if (value.is_number()) answer.values.emplace_back(signal, value.get<double>());
    if (value.is_boolean()) answer.values.emplace_back(signal, value.get<bool>() ? 1 : 0);
  }
  return answer;
}

}  // namespace panshi::agent
