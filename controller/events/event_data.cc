// SPDX-License-Identifier: Apache-2.0
#include "controller/events/event_data.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "core/json/fields.h"

namespace panshi::controller {
namespace {

// `said` is a number, and of any size.
std::int64_t between_0_and(std::int64_t most, const nlohmann::json& said) {
  if (said.is_number_float()) {
    const auto value = said.get<double>();
    if (!(value > 0)) return 0;
    return value >= static_cast<double>(most) ? most : static_cast<std::int64_t>(value);
  }
  if (said.is_number_unsigned()) {
    return static_cast<std::int64_t>(
        std::min(said.get<std::uint64_t>(), static_cast<std::uint64_t>(most)));
  }
  return std::clamp<std::int64_t>(said.get<std::int64_t>(), 0, most);
}

}  // namespace

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
  if (!value.is_number_integer()) return std::nullopt;
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  if (value.is_number_unsigned()) return between_0_and(kMost, value);
  return value.get<std::int64_t>();
}

std::optional<Duration> length_of(const nlohmann::json& data, const char* key, Duration most) {
  const nlohmann::json& value = value_of(data, key);
  if (!value.is_number()) return std::nullopt;
  return Duration(between_0_and(most.count(), value));
}

void bound_lengths(nlohmann::json& data) {
  if (!data.is_object()) return;
  for (auto& [key, value] : data.items()) {
    if (!value.is_number()) continue;
    constexpr Duration kMost = limits::kAgeMax;
    if (key.ends_with("_us")) value = between_0_and(kMost.count(), value);
    if (key.ends_with("_ms") && !value.is_number_float()) {
      value = between_0_and(kMost / std::chrono::milliseconds(1), value);
    }
  }
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
