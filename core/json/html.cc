// SPDX-License-Identifier: Apache-2.0
#include "core/json/html.h"

#include <kainjow/mustache.hpp>

namespace panshi {
namespace {

using kainjow::mustache::data;

// Text stays text, lists and objects become sections.
data to_data(const nlohmann::json& json) {
  if (json.is_object()) {
    data object(data::type::object);
    for (const auto& [key, value] : json.items()) object.set(key, to_data(value));
    return object;
  }
  if (json.is_array()) {
    data list(data::type::list);
    for (const nlohmann::json& item : json) list << to_data(item);
    return list;
  }
  if (json.is_boolean())
    return data(json.get<bool>() ? data::type::bool_true : data::type::bool_false);
  return data(json.is_string() ? json.get<std::string>() : json.dump());
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string fill_template(std::string_view mustache, const nlohmann::json& view) {
  kainjow::mustache::mustache page{std::string(mustache)};
  page.set_custom_escape([](const std::string& text) { return escape_html(text); });
  return page.render(to_data(view));
}

}  // namespace panshi
