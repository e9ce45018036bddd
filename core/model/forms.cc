// SPDX-License-Identifier: Apache-2.0
#include "core/model/forms.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "core/base/ip_address.h"
#include "core/base/text.h"
#include "core/model/host_names.h"

namespace panshi {
namespace {

constexpr std::array<std::string_view, 9> kMethods = {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS",
                                                      "PATCH",   "POST",   "PUT", "TRACE"};

bool is_token(std::string_view text) {  // RFC 9110, 5.6.2
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) != 0 ||
                        std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) !=
                            std::string_view::npos);
  });
}

tl::unexpected<Error> wrong(const std::string& text, std::string_view is, std::string_view wanted) {
  return fail(ErrorCode::kInvalid, cat("`", text, "` ", is, ": expected ", wanted));
}

std::string without_escape(const std::string& name) {
  return name.starts_with("*.") ? name.substr(2) : name;
}

}  // namespace

std::vector<std::string> comma_list(std::string_view text) {
  std::vector<std::string> items;
  for (const std::string& item : split(text, ',')) items.push_back(trimmed(item));
  return items;
}

Result<std::string> one_address(const std::string& text) {
  constexpr std::string_view kWanted = "one IPv4 or IPv6 address, such as 192.0.2.10";
  const std::string address = trimmed(text);
  if (is_ip_address(address)) return address;
  const auto slash = address.find('/');
  if (slash != std::string::npos && is_ip_address(address.substr(0, slash))) {
    return wrong(text, "is a network", kWanted);
  }
  const auto colon = address.rfind(':');
  if (colon != std::string::npos && is_ip_address(address.substr(0, colon))) {
    return wrong(text, "has a port", kWanted);
  }
  if (address.starts_with('[')) return wrong(text, "has brackets or a port", kWanted);
  return wrong(text, "is no address", kWanted);
}

Result<std::string> address_or_nothing(const std::string& text) {
  return trimmed(text).empty() ? Result<std::string>(std::string()) : one_address(text);
}

Result<std::string> absolute_path(const std::string& text) {
  if (text.starts_with('/')) return text;
  return wrong(text, "is relative, and nobody knows to what", "a path from /");
}

Result<std::string> interface_name(const std::string& text) {
  constexpr std::size_t kMost = 15;  // IFNAMSIZ without the last zero
  const std::string name = trimmed(text);
  const bool odd = name.find_first_of("/: \t") != std::string::npos || name == "." || name == "..";
  if (!name.empty() && name.size() <= kMost && !odd) return name;
  return wrong(text, "cannot be an interface", "a name such as eth0");
}

Result<std::string> table_name(const std::string& text) {
  const auto dot = text.find('.');
  if (dot != std::string::npos && dot > 0 && dot + 1 < text.size()) return text;
  return fail(ErrorCode::kInvalid, cat("is `", text, "`, must be written database.table"));
}

Result<std::string> dns_names(const std::string& text) {
  if (trimmed(text).empty()) return std::string();
  std::vector<std::string> names;
  for (const std::string& item : comma_list(text)) {
    ASSIGN_OR_RETURN(std::string name, comparable_host_name(without_escape(item)));
    names.push_back(std::move(name));
  }
  return join(names, ",");
}

Result<std::string> http_method(const std::string& text) {
  const std::string method = trimmed(text);
  if (method.empty()) return method;
  if (!is_token(method)) return wrong(text, "is not one method", "a word such as POST");
  std::string upper = method;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const bool known = std::find(kMethods.begin(), kMethods.end(), upper) != kMethods.end();
  if (known && upper != method) {
    return fail(ErrorCode::kInvalid, cat("`", method,
                                         "` would match no request: HTTP's methods are "
                                         "in capitals (did you mean `",
                                         upper, "`?)"));
  }
  return method;
}

Result<std::string> http_field_name(const std::string& text) {
  const std::string name = trimmed(text);
  if (is_token(name)) return name;
  return wrong(text, "is not a name for a header", "a word such as Retry-After");
}

}  // namespace panshi
