// SPDX-License-Identifier: Apache-2.0
// YAML that is read is JSON that can be written, every value of which has its place in the file;
// YAML that is not is refused with a place.
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/yaml.h"
#include "core/json/fields.h"

namespace {

void check_marks(const nlohmann::json& value, const std::string& path,
                 const panshi::Document& document) {
  const auto mark = document.marks.find(path);
  CHECK_BUG(mark != document.marks.end() && mark->second.line >= 1 && mark->second.column >= 1);
  if (value.is_object()) {
    for (const auto& [key, item] : value.items()) {
      check_marks(item, path.empty() ? key : panshi::cat(path, ".", key), document);
    }
  }
  for (std::size_t i = 0; value.is_array() && i < value.size(); ++i) {
    check_marks(value[i], panshi::cat(path, "[", i, "]"), document);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = panshi::read_yaml({reinterpret_cast<const char*>(data), size}, "f");
  if (!read) {
    CHECK_BUG(read.error().code == panshi::ErrorCode::kInvalid);
    CHECK_BUG(read.error().message.starts_with("f:"));
    return 0;
  }
  CHECK_BUG(!panshi::dump_json(read->root).empty());
  check_marks(read->root, "", *read);
  return 0;
}
