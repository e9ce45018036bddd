// SPDX-License-Identifier: Apache-2.0
#include "agents/config/config_limits.h"

#include <string>
#include <vector>

#include "core/base/text.h"
#include "core/json/fields.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;

void may_size(Fields& in, const char* key, std::int64_t& out) {
  std::string text;
  in.may(key, text);
  if (text.empty()) return;
  if (const auto size = parse_size(text)) {
    out = *size;
  } else {
    in.problem(key, size.error().message);
  }
}

}  // namespace

void read_limits(const nlohmann::json& bounds, AgentConfig& config, Problems& problems) {
  Fields in(bounds, "limits", problems);
  auto faults_max = static_cast<std::int64_t>(config.faults_max);
  in.may("faults_max", faults_max, {0, 1'000});
  in.may("lease_max", config.lease_max, {100ms, 24h});
  may_size(in, "memory_reserve", config.memory_reserve);
  may_size(in, "disk_reserve", config.disk_reserve);
  std::vector<std::string> directories;
  in.may("directories", directories);
  in.done();
  config.faults_max = static_cast<std::size_t>(faults_max);
  config.fault_directories = {directories.begin(), directories.end()};
}

}  // namespace panshi::agent
