// SPDX-License-Identifier: Apache-2.0
#include "controller/api/query.h"

#include <charconv>

#include "core/base/text.h"
#include "core/model/check.h"

namespace panshi::controller {

Result<std::int64_t> query_number(const HttpRequest& request, const std::string& key,
                                  std::int64_t otherwise, Range<std::int64_t> range) {
  const auto found = request.query.find(key);
  if (found == request.query.end()) return otherwise;
  const std::string& text = found->second;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return fail(ErrorCode::kInvalid, cat(key, " must be a whole number, not `", text, "`"));
  }
  if (value < range.min || value > range.max) {
    return fail(ErrorCode::kInvalid,
                cat(key, " must be from ", range.min, " to ", range.max, ", not ", value));
  }
  return value;
}

std::string query_text(const HttpRequest& request, const std::string& key) {
  const auto found = request.query.find(key);
  return found == request.query.end() ? std::string() : found->second;
}

tl::unexpected<Error> unknown_node(const Inventory& inventory, const std::string& name) {
  return fail(ErrorCode::kNotFound, unknown_name("node", name, inventory.node_names()));
}

}  // namespace panshi::controller
