// SPDX-License-Identifier: Apache-2.0
#include "controller/events/event_data.h"

#include "core/json/fields.h"

namespace panshi::controller {

const nlohmann::json& value_of(const nlohmann::json& data, const char* key) {
  static const nlohmann::json kNull;
  if (!data.is_object()) return kNull;
  const auto found = data.find(key);
  return found == data.end() ? kNull : *found;
}

std::string text_of(const nlohmann::json& data, const char* key) {
  const nlohmann::json& value = value_of(data, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::optional<std::int64_t> integer_of(const nlohmann::json& data, const char* key) {
  const nlohmann::json& value = value_of(data, key);
  return value.is_number_integer() ? std::optional(value.get<std::int64_t>()) : std::nullopt;
}

std::optional<double> number_of(const nlohmann::json& data, const char* key) {
  const nlohmann::json& value = value_of(data, key);
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

std::optional<bool> flag_of(const nlohmann::json& data, const char* key) {
  const nlohmann::json& value = value_of(data, key);
  return value.is_boolean() ? std::optional(value.get<bool>()) : std::nullopt;
}

std::vector<std::string> texts_of(const nlohmann::json& data, const char* key) {
  const nlohmann::json& value = value_of(data, key);
  if (value.is_string()) return {value.get<std::string>()};
  std::vector<std::string> texts;
  if (!value.is_array()) return texts;
  for (const nlohmann::json& item : value) {
    texts.push_back(item.is_string() ? item.get<std::string>() : dump_json(item));
  }
  return texts;
}

std::string run_of(const Event& event) {
  return event.run.empty() ? text_of(event.data, "run") : event.run;
}

}  // namespace panshi::controller
