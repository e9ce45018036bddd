// SPDX-License-Identifier: Apache-2.0
#include "core/model/probe_signals.h"

#include <algorithm>
#include <map>

#include "core/base/text.h"

namespace panshi {
namespace {

std::string text_in(const nlohmann::json& object, const char* key) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_string()) return {};
  return object[key].get<std::string>();
}

void add_probe(const nlohmann::json& probe, std::vector<std::string>& signals) {
  const std::string name = text_in(probe, "name");
  const std::string kind = text_in(probe, "kind");
  if (name.empty()) return;
  signals.push_back(cat(name, ".up"));
  if (kind != "process") signals.push_back(cat(name, ".latency_ms"));
  for (const std::string& each : signals_of_probe_kind(kind)) {
    signals.push_back(cat(name, ".", each));
  }
  if (!probe.contains("signals") || !probe["signals"].is_object()) return;
  for (const auto& [signal, where] : probe["signals"].items()) signals.push_back(signal);
}

}  // namespace

std::vector<std::string> signals_of_probe_kind(const std::string& kind) {
  static const std::map<std::string, std::vector<std::string>> kSignals = {
      {"mariadb", {"primary", "read_only", "replicating", "lag_s", "gtid"}},
      {"redis-cluster", {"state_ok", "slots_ok", "primary", "replicas", "linked", "offset"}},
      {"nats", {"leader", "messages", "pending", "unacknowledged"}},
      {"disk", {"free_bytes", "free_percent"}},
      {"memory", {"available_bytes", "available_percent"}},
      {"pressure", {"some", "full"}}};
  const auto found = kSignals.find(kind);
  return found == kSignals.end() ? std::vector<std::string>() : found->second;
}

std::vector<std::string> signals_of_agent(const nlohmann::json& config) {
  const nlohmann::json none = nlohmann::json::array();
  const auto list = [&](const char* key) -> const nlohmann::json& {
    return config.is_object() && config.contains(key) ? config[key] : none;
  };
  std::vector<std::string> signals;
  for (const auto& service : list("services")) {
    const std::string name = text_in(service, "name");
    if (!name.empty()) signals.push_back(cat(name, ".up"));
  }
  for (const auto& probe : list("probes")) add_probe(probe, signals);
  std::sort(signals.begin(), signals.end());
  signals.erase(std::unique(signals.begin(), signals.end()), signals.end());
  return signals;
}

}  // namespace panshi
