// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/base/cookies.h"

#include <charconv>

#include "core/base/check.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/io/mac.h"

namespace panshi::shop {
namespace {

constexpr std::size_t kUserDigits = 18;
constexpr std::size_t kHeaderBytesMax = 4'096;
constexpr std::int64_t kSessionSeconds = 365 * 24 * 3600;
constexpr const char* kSession = "user";

std::string signed_part(std::string_view user) { return cat("visitor|", user); }

}  // namespace

std::string cookie_in(std::string_view header, std::string_view name) {
  if (header.size() > kHeaderBytesMax) return "";
  for (const std::string& piece : split(header, ';')) {
    const std::string pair = trimmed(piece);
    const std::size_t equals = pair.find('=');
    if (equals != std::string::npos && pair.substr(0, equals) == name) {
      return pair.substr(equals + 1);
    }
  }
  return "";
}

std::string cookie_line(std::string_view name, std::string_view value, std::int64_t max_age_s,
                        std::string_view same_site, bool over_tls) {
  return cat(name, "=", value, "; Path=/; Max-Age=", max_age_s, "; HttpOnly; SameSite=", same_site,
             over_tls ? "; Secure" : "");
}

std::optional<std::string> session_in(std::string_view header, std::string_view key) {
  const std::string value = cookie_in(header, kSession);
  const auto dot = value.rfind('.');
  if (dot == std::string::npos) return std::nullopt;
  std::string user = value.substr(0, dot);
  const bool ours = is_id(user) && is_mac_of(value.substr(dot + 1), key, signed_part(user));
  return ours ? std::optional(std::move(user)) : std::nullopt;
}

std::string session_of(const std::string& user, std::string_view key) {
  return cat(user, ".", mac_of(key, signed_part(user)));
}

std::string session_line(std::string_view session, bool over_tls) {
  return cookie_line(kSession, session, kSessionSeconds, "Lax", over_tls);
}

std::string new_user(std::string_view random_hex) {
  CHECK_BUG(random_hex.size() >= 16);
  std::uint64_t number = 0;
  std::from_chars(random_hex.data(), random_hex.data() + 16, number, 16);
  const std::string digits = std::to_string(number % 1'000'000'000'000'000'000);
  return cat("u-", std::string(kUserDigits - digits.size(), '0'), digits);
}

}  // namespace panshi::shop
