// SPDX-License-Identifier: Apache-2.0
// Cookies (RFC 6265) of the shop's, and the session in one of them: who asks, as the shop itself
// said and signed it. No accounts: a user is a long random number. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace panshi::shop {

// The value of the cookie `name` in the header Cookie, or "". A header over 4 KiB has none.
std::string cookie_in(std::string_view header, std::string_view name);

// A value of Set-Cookie for the whole site that no script reads. `same_site`: "Lax" or "Strict".
std::string cookie_line(std::string_view name, std::string_view value, std::int64_t max_age_s,
                        std::string_view same_site, bool over_tls);

// The user whose session the header Cookie holds; nothing unless it was signed with `key`.
std::optional<std::string> session_in(std::string_view header, std::string_view key);
// The cookie's value for that user: "USER.SIGNATURE".
std::string session_of(const std::string& user, std::string_view key);
// Its line of Set-Cookie, good for a year.
std::string session_line(std::string_view session, bool over_tls);
// "u-" and 18 digits, of which the last two choose the shard.
// REQUIRES: `random_hex` has at least 16 hex digits.
std::string new_user(std::string_view random_hex);

}  // namespace panshi::shop
