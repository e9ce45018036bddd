// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>

#include "agents/host_state/host_state.h"
#include "core/base/text.h"
#include "core/json/fields.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

// "nft: line" for each line, "services.shop: line"; sorted.
void flatten(const std::string& part, const json& value, std::vector<std::string>& lines) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) {
      flatten(part.empty() ? key : cat(part, ".", key), inner, lines);
    }
  } else if (value.is_array()) {
    for (const json& line : value) flatten(part, line, lines);
  } else if (!value.is_null()) {
    lines.push_back(
        cat(part, ": ", value.is_string() ? value.get<std::string>() : dump_json(value)));
  }
}

std::vector<std::string> flat(const json& state) {
  std::vector<std::string> lines;
  flatten("", state, lines);
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace

std::vector<std::string> host_state_differences(const json& before, const json& after) {
  const std::vector<std::string> then = flat(before);
  const std::vector<std::string> now = flat(after);
  std::vector<std::string> gone;
  std::vector<std::string> come;
  std::set_difference(then.begin(), then.end(), now.begin(), now.end(), std::back_inserter(gone));
  std::set_difference(now.begin(), now.end(), then.begin(), then.end(), std::back_inserter(come));
  std::vector<std::string> all;
  for (const std::string& line : gone) all.push_back("- " + line);
  for (const std::string& line : come) all.push_back("+ " + line);
  return all;
}

}  // namespace panshi::agent
