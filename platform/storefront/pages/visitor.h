// SPDX-License-Identifier: Apache-2.0
// Visitor: who looks at a page, as the session in his cookie says (cookies.h). Also what his
// browser remembers of his orders, so that he can still pay and find them while the shop cannot
// look them up.
//
// Pure; hostile cookies are dropped, never an error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "platform/storefront/pages/words.h"

namespace panshi::shop {

struct RememberedOrder {
  std::string order;
  std::string product;
  std::int64_t amount_cents = 0;
};

struct Visitor {
  std::string user;   // "u-" and 18 digits; the last ones choose the shard
  std::string token;  // 32 hex digits in every form of his: another site cannot know it
  Language language = Language::kChinese;
  std::vector<RememberedOrder> orders;  // newest first, at most 10
  std::string session;                  // his cookie's value
  bool is_new = false;                  // no session of ours yet: the cookie must be set
  bool chose_language = false;          // by ?lang= just now
  bool orders_changed = false;
  bool over_tls = false;  // cookies are for encrypted connections only

  void remember(RememberedOrder order);  // moves it to the front
  const RememberedOrder* remembered(std::string_view order) const;
};

struct VisitorSource {
  std::string key;              // of the shop, for signatures
  std::string cookie;           // the header
  std::string lang;             // ?lang=
  std::string accept_language;  // the header
  std::string random_hex;       // 16 hex digits or more, for a new visitor
  bool over_tls = false;
};
Visitor read_visitor(const VisitorSource& source);

// Values for Set-Cookie, only what changed.
std::vector<std::string> cookies_of(const Visitor& visitor);

}  // namespace panshi::shop
