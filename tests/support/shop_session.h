// SPDX-License-Identifier: Apache-2.0
// Sessions of customers, signed as a gateway does whose `marker_key` is kShopKey.
#pragma once

#include <string>
#include <string_view>

#include "core/base/ids.h"
#include "core/base/text.h"
#include "platform/storefront/base/cookies.h"
#include "platform/storefront/services/passes.h"

namespace panshi {

inline constexpr const char* kShopKey = "the same at both edges";

// The value of the header Cookie.
inline std::string session_cookie(const std::string& user) {
  return cat("user=", shop::session_of(user, shop::Passes(kShopKey).key_for("visitors")));
}

// The user that a path ("…?user=U") or a JSON body names, or "".
inline std::string user_named_in(std::string_view text) {
  for (const std::string_view before : {"?user=", "\"user\":\""}) {
    const auto at = text.find(before);
    if (at == std::string_view::npos) continue;
    const std::string_view rest = text.substr(at + before.size());
    const std::string_view user = rest.substr(0, rest.find_first_of("&\" "));
    if (is_id(user)) return std::string(user);
  }
  return "";
}

}  // namespace panshi
