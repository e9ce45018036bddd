// SPDX-License-Identifier: Apache-2.0
// Lists and single objects of the API as text, for the nouns that have nothing special to say.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/connection.h"

namespace panshi::cli {

// Text of a field however it came: text, number, flag; "" when absent or null. `path` may go down:
// "target.service".
std::string field(const nlohmann::json& object, std::string_view path);
// The list itself or under `key`; empty when neither is there.
nlohmann::json list_of(const nlohmann::json& answer, const char* key);
// The texts in that list.
std::vector<std::string> texts_of(const nlohmann::json& answer, const char* key);
// UTC, "2026-11-22 15:04:05"; "" for 0.
std::string time_field(const nlohmann::json& object, const char* key);

struct Column {
  std::string title;
  std::string path;
  std::string (*text)(const nlohmann::json& item) = nullptr;  // in place of the field at `path`
};
// GET path; --json: the answer as it is; else a table of the list under `key` that is no wider than
// the terminal, or `none`.
int show_list(Invocation& invocation, const std::string& path, const char* key,
              const std::vector<Column>& columns, const char* none);
// GET path; --json: the answer; else each field on a line.
int show_object(Invocation& invocation, const std::string& path);
// Each field on a line, times as text.
std::string members_table(const nlohmann::json& object);
// POST; --json: the answer; else `said`.
int act(Invocation& invocation, const std::string& path, const nlohmann::json& body,
        const std::function<std::string(const nlohmann::json&)>& said);

}  // namespace panshi::cli
