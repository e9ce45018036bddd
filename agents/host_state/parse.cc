// SPDX-License-Identifier: Apache-2.0
#include "agents/host_state/parse.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/text.h"
#include "core/json/fields.h"

namespace panshi::agent {
Lines lines_of(const std::string& text) {
  Lines lines = split(text, '\n');
  std::erase(lines, "");
  return lines;
}

Lines read_iptables(const std::string& save_output) {
  Lines kept;
  for (std::string& line : lines_of(save_output)) {
    if (line.starts_with('#') || line == "COMMIT") continue;
    const auto count = line.rfind(" [");  // ":INPUT ACCEPT [12:3456]"
    if (line.starts_with(':') && count != std::string::npos) line.resize(count);
    kept.push_back(std::move(line));
  }
  return kept;
}

Result<Lines> read_qdiscs(const std::string& tc_json) {
  ASSIGN_OR_RETURN(const nlohmann::json all, parse_json(tc_json, tc_json.size()));
  if (!all.is_array()) return fail(ErrorCode::kInvalid, "tc printed no list");
  Lines lines;
  for (const auto& each : all) {
    if (!each.is_object()) continue;
    const std::string place = each.value("root", false) ? "root" : each.value("parent", "");
    auto options = each.value("options", nlohmann::json::object());
    if (options.is_object()) options.erase("direct_packets_stat");  // htb counts among them
    lines.push_back(cat(each.value("dev", "?"), " ", place, " ", each.value("kind", "?"), " ",
                        each.value("handle", ""), " ", dump_json(options)));
  }
  return lines;
}

Lines read_mounts(const std::string& mountinfo) {
  Lines lines;
  for (const std::string& line : lines_of(mountinfo)) {
    const std::vector<std::string> words = words_of(line);
    const auto dash = std::find(words.begin(), words.end(), "-");
    constexpr std::size_t kRoot = 3;  // of the file system, then the mount point and its options
    if (words.size() < 6 || words.end() - dash < 4) continue;
    lines.push_back(cat(words[kRoot + 1], " ", *(dash + 1), " ", *(dash + 2), " ", words[kRoot],
                        " ", words[kRoot + 2], " ", *(dash + 3)));
  }
  return lines;
}

Lines read_limits(const std::string& limits) {
  Lines lines;
  for (const std::string& line : lines_of(limits)) {
    if (!line.starts_with("Limit")) lines.push_back(join(words_of(line), " "));
  }
  return lines;
}

}  // namespace panshi::agent
