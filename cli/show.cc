// SPDX-License-Identifier: Apache-2.0
#include "cli/show.h"

#include <chrono>
#include <cstdio>

#include "cli/exit_codes.h"
#include "core/base/text.h"
#include "core/json/fields.h"

namespace panshi::cli {

namespace {

// Lists as "a, b"; objects as their values with the key before: "service orders".
std::string plain(const nlohmann::json& value);

// A moment as people read it: {"due_us": …}; nothing else of what is shown ends so.
std::string member(const nlohmann::json& object, const std::string& key) {
  const bool is_time = key.ends_with("_us") && object.at(key).is_number_integer();
  return is_time ? time_field(object, key.c_str()) : plain(object.at(key));
}

// "due" of "due_us", whose value is shown with its zone.
std::string title_of(const std::string& key) {
  return key.ends_with("_us") ? cat(key.substr(0, key.size() - 3), " (UTC)") : key;
}

std::string plain(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return {};
  if (value.is_number_float()) return number_text(value.get<double>());
  if (!value.is_structured()) return dump_json(value);
  std::vector<std::string> parts;
  for (const auto& [key, item] : value.items()) {
    parts.push_back(value.is_object() ? cat(title_of(key), " ", member(value, key)) : plain(item));
  }
  return join(parts, ", ");
}

}  // namespace

std::string field(const nlohmann::json& object, std::string_view path) {
  const nlohmann::json* at = &object;
  for (const std::string& key : split(path, '.')) {
    if (!at->is_object() || !at->contains(key)) return {};
    at = &(*at)[key];
  }
  return one_line(plain(*at));
}

nlohmann::json list_of(const nlohmann::json& answer, const char* key) {
  if (answer.is_array()) return answer;
  if (answer.is_object() && answer.contains(key) && answer[key].is_array()) return answer[key];
  return nlohmann::json::array();
}

std::vector<std::string> texts_of(const nlohmann::json& answer, const char* key) {
  std::vector<std::string> texts;
  for (const auto& each : list_of(answer, key)) {
    if (each.is_string()) texts.push_back(each.get<std::string>());
  }
  return texts;
}

std::string time_field(const nlohmann::json& object, const char* key) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_number_integer()) return {};
  const auto us = object[key].get<std::int64_t>();
  if (us <= 0) return {};
  const auto at = std::chrono::sys_seconds(std::chrono::seconds(us / 1'000'000));
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  char text[48];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text;
}

int show_list(Invocation& invocation, const std::string& path, const char* key,
              const std::vector<Column>& columns, const char* none) {
  Result<Connection> controller = Connection::find(invocation);
  if (!controller) return report_error(invocation, controller.error());
  const Result<nlohmann::json> answer = controller->get(path);
  if (!answer) return report_error(invocation, answer.error());
  if (invocation.json) {
    invocation.terminal.document(*answer);
    return kPass;
  }
  std::vector<std::vector<std::string>> rows(1);
  for (const Column& column : columns) rows[0].push_back(column.title);
  for (const nlohmann::json& item : list_of(*answer, key)) {
    std::vector<std::string> row;
    for (const Column& column : columns) {
      const bool is_time = column.path.ends_with("_us");
      if (column.text) {
        row.push_back(column.text(item));
        continue;
      }
      row.push_back(is_time ? time_field(item, column.path.c_str()) : field(item, column.path));
    }
    rows.push_back(std::move(row));
  }
  const bool is_empty = rows.size() == 1;
  invocation.terminal.line(
      is_empty ? std::string(none) : table(fitted(std::move(rows), invocation.terminal.columns())));
  return kPass;
}

int show_object(Invocation& invocation, const std::string& path) {
  Result<Connection> controller = Connection::find(invocation);
  if (!controller) return report_error(invocation, controller.error());
  const Result<nlohmann::json> answer = controller->get(path);
  if (!answer) return report_error(invocation, answer.error());
  if (invocation.json || !answer->is_object()) {
    invocation.terminal.document(*answer);
    return kPass;
  }
  invocation.terminal.line(members_table(*answer));
  return kPass;
}

std::string members_table(const nlohmann::json& object) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [key, value] : object.items()) {
    rows.push_back({title_of(key), one_line(member(object, key))});
  }
  return table(rows);
}

int act(Invocation& invocation, const std::string& path, const nlohmann::json& body,
        const std::function<std::string(const nlohmann::json&)>& said) {
  Result<Connection> controller = Connection::find(invocation);
  if (!controller) return report_error(invocation, controller.error());
  const Result<nlohmann::json> answer = controller->post(path, body);
  if (!answer) return report_error(invocation, answer.error());
  if (invocation.json) {
    invocation.terminal.document(*answer);
  } else {
    invocation.terminal.line(said(*answer));
  }
  return kPass;
}

}  // namespace panshi::cli
