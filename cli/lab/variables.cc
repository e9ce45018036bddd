// SPDX-License-Identifier: Apache-2.0
#include "cli/lab/variables.h"

#include <algorithm>

#include "core/base/text.h"

namespace panshi::cli {
namespace {

std::size_t line_of(std::string_view text, std::size_t at) {
  return 1 + static_cast<std::size_t>(
                 std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

Result<std::string> value(std::string_view inside, const Variables& variables) {
  const auto colon = inside.find(':');
  if (colon == std::string_view::npos) return variables(std::string(inside), std::nullopt);
  return variables(std::string(inside.substr(0, colon)), std::string(inside.substr(colon + 1)));
}

}  // namespace

std::string expand_text(std::string_view text, const Variables& variables,
                        std::vector<UnknownVariable>& mistakes) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t open = text.find("${", at);
    if (open == std::string_view::npos) break;
    if (open > at && text[open - 1] == '$') {  // $${
      out += text.substr(at, open - 1 - at);
      out += "${";
      at = open + 2;
      continue;
    }
    out += text.substr(at, open - at);
    const std::size_t close = text.find('}', open);
    if (close == std::string_view::npos) {
      mistakes.push_back({line_of(text, open), "`${` is not closed; write $${ for the characters"});
      return out;
    }
    Result<std::string> found = value(text.substr(open + 2, close - open - 2), variables);
    if (found) {
      out += *found;
    } else {
      mistakes.push_back({line_of(text, open), found.error().message});
    }
    at = close + 1;
  }
  if (at < text.size()) out += text.substr(at);
  return out;
}

void expand_json(nlohmann::json& json, const std::string& path, const Variables& variables,
                 Problems& problems) {
  if (json.is_string()) {
    std::vector<UnknownVariable> mistakes;
    json = expand_text(json.get<std::string>(), variables, mistakes);
    for (UnknownVariable& mistake : mistakes) problems.add(path, std::move(mistake.message));
  } else if (json.is_array()) {
    for (std::size_t i = 0; i < json.size(); ++i) {
      expand_json(json[i], cat(path, "[", i, "]"), variables, problems);
    }
  } else if (json.is_object()) {
    for (auto& [key, item] : json.items()) {
      expand_json(item, path.empty() ? key : cat(path, ".", key), variables, problems);
    }
  }
}

nlohmann::json merged(const nlohmann::json& base, const nlohmann::json& over) {
  if (!base.is_object() || !over.is_object()) return over;
  nlohmann::json out = base;
  for (const auto& [key, item] : over.items()) {
    out[key] = out.contains(key) ? merged(out[key], item) : item;
  }
  return out;
}

}  // namespace panshi::cli
