// SPDX-License-Identifier: Apache-2.0
#include "agents/toxiproxy/lenient_json.h"

#include <algorithm>
#include <sstream>

#include "core/base/text.h"

namespace panshi::agent::toxiproxy {
namespace {

using nlohmann::json;

char lower_char(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(const std::string& a, const std::string& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower_char(x) == lower_char(y); });
}

tl::unexpected<Error> mismatch(const json& value, const std::string& name, const char* type) {
  const std::string what = value.is_number() ? cat("number ", value.dump()) : value.type_name();
  return fail(ErrorCode::kInvalid,
              cat("json: cannot unmarshal ", what, " into field ", name, " of type ", type));
}

template <class T, class Fits>
Status read(const json& object, const std::string& name, T& out, const char* type, Fits fits) {
  const json* value = find_field(object, name);
  if (value == nullptr) return {};
  if (!fits(*value)) return mismatch(*value, name, type);
  out = value->get<T>();
  return {};
}

}  // namespace

Result<json> read_first_value(const std::string& body) {
  if (body.find_first_not_of(" \t\r\n") == std::string::npos) {
    return fail(ErrorCode::kInvalid, "EOF");
  }
  try {
    std::istringstream in(body);
    json value;
    in >> value;
    return value;
  } catch (const json::exception&) {
    return fail(ErrorCode::kInvalid, "invalid character or unexpected EOF in JSON");
  }
}

const json* find_field(const json& object, const std::string& name) {
  if (!object.is_object()) return nullptr;
  const json* found = nullptr;
  for (const auto& [key, value] : object.items()) {
    if (key == name) return value.is_null() ? nullptr : &value;
    if (same_name(key, name)) found = &value;
  }
  return found != nullptr && found->is_null() ? nullptr : found;
}

Status read_field(const json& object, const std::string& name, std::string& out) {
  return read(object, name, out, "string", [](const json& value) { return value.is_string(); });
}
Status read_field(const json& object, const std::string& name, bool& out) {
  return read(object, name, out, "bool", [](const json& value) { return value.is_boolean(); });
}
Status read_field(const json& object, const std::string& name, double& out) {
  return read(object, name, out, "float32", [](const json& value) { return value.is_number(); });
}
Status read_field(const json& object, const std::string& name, std::int64_t& out) {
  return read(object, name, out, "int64", [](const json& value) {
    if (value.is_number_unsigned()) return value.get<std::uint64_t>() <= INT64_MAX;
    return value.is_number_integer();
  });
}

}  // namespace panshi::agent::toxiproxy
