// SPDX-License-Identifier: Apache-2.0
// YAML files become JSON once, here, with the place of every value kept for messages.
//
// Refused: duplicate keys, anchors, aliases, tags, several documents, more than 64 levels or 10,000
// nodes. Plain scalars are true/false, null, decimal numbers, else text ("yes", "012", "10s" are
// text). The only user of yaml-cpp.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/json/problems.h"

namespace panshi {

struct Mark {
  int line = 0;  // from 1
  int column = 0;
};

struct Document {
  std::string file;  // as named in messages
  nlohmann::json root;
  std::map<std::string, Mark> marks;  // by the paths that Fields uses: "faults[2].for"
};

// Errors: kInvalid "file:line:column: what is wrong".
Result<Document> read_yaml(std::string_view text, std::string file);
Result<Document> load_yaml(const std::filesystem::path& path);  // also kNotFound

// One line per problem: "file:line:column: path message", sorted by line. The mark of a missing or
// unknown path is that of its nearest known parent.
std::string problems_text(const Problems& problems, const Document& document);

}  // namespace panshi
