// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/pages/visitor.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/io/mac.h"
#include "platform/storefront/base/cookies.h"

namespace panshi::shop {
namespace {

constexpr std::size_t kRememberedMax = 10;
constexpr std::int64_t kCookieSeconds = 365 * 24 * 3600;

std::optional<Language> language_of(std::string_view text) {
  if (text.starts_with("zh")) return Language::kChinese;
  if (text.starts_with("en")) return Language::kEnglish;
  return std::nullopt;
}

// "en-GB,en;q=0.9,zh;q=0.8": the best of ours, the first of equals.
std::optional<Language> accepted(std::string_view header) {
  std::optional<Language> best;
  double best_quality = 0;
  for (const std::string& piece : split(header, ',')) {
    const std::string_view range = trimmed(piece);
    double quality = 1;
    if (const std::size_t at = range.find(";q="); at != std::string_view::npos) {
      std::from_chars(range.data() + at + 3, range.data() + range.size(), quality);
    }
    const auto language = language_of(range);
    if (language && quality > best_quality) {
      best = language;
      best_quality = quality;
    }
  }
  return best;
}

// "o-1:music-month:1500~o-2:…"
std::vector<RememberedOrder> read_orders(std::string_view text) {
  std::vector<RememberedOrder> orders;
  if (text.empty()) return orders;
  for (const std::string& piece : split(text, '~')) {
    const auto parts = split(piece, ':');
    if (parts.size() != 3 || !is_id(parts[0]) || !is_id(parts[1])) continue;
    std::int64_t cents = -1;
    const char* last = parts[2].data() + parts[2].size();
    const auto [end, error] = std::from_chars(parts[2].data(), last, cents);
    if (error != std::errc() || end != last || cents < 0) continue;
    orders.push_back({parts[0], parts[1], cents});
    if (orders.size() == kRememberedMax) break;
  }
  return orders;
}

}  // namespace

void Visitor::remember(RememberedOrder order) {
  std::erase_if(orders, [&](const RememberedOrder& old) { return old.order == order.order; });
  orders.insert(orders.begin(), std::move(order));
  if (orders.size() > kRememberedMax) orders.resize(kRememberedMax);
  orders_changed = true;
}

const RememberedOrder* Visitor::remembered(std::string_view order) const {
  const auto found = std::find_if(orders.begin(), orders.end(),
                                  [&](const RememberedOrder& old) { return old.order == order; });
  return found == orders.end() ? nullptr : &*found;
}

Visitor read_visitor(const VisitorSource& source) {
  Visitor visitor;
  const auto session = session_in(source.cookie, source.key);
  visitor.is_new = !session;
  visitor.user = session ? *session : new_user(source.random_hex);
  visitor.session = session_of(visitor.user, source.key);
  visitor.token = mac_of(source.key, cat("form|", visitor.user));
  const auto wished = language_of(source.lang);
  const auto kept = language_of(cookie_in(source.cookie, "lang"));
  const auto liked = accepted(source.accept_language);
  visitor.chose_language = wished.has_value();
  visitor.language = wished ? *wished : kept ? *kept : liked ? *liked : Language::kChinese;
  visitor.over_tls = source.over_tls;
  visitor.orders = read_orders(cookie_in(source.cookie, "orders"));
  return visitor;
}

std::vector<std::string> cookies_of(const Visitor& visitor) {
  const auto line = [&](std::string_view name, std::string_view value) {
    return cookie_line(name, value, kCookieSeconds, "Lax", visitor.over_tls);
  };
  std::vector<std::string> cookies;
  if (visitor.is_new) cookies.push_back(session_line(visitor.session, visitor.over_tls));
  if (visitor.chose_language) cookies.push_back(line("lang", code_of(visitor.language)));
  if (visitor.orders_changed) {
    std::vector<std::string> pieces;
    for (const RememberedOrder& order : visitor.orders) {
      pieces.push_back(cat(order.order, ":", order.product, ":", order.amount_cents));
    }
    cookies.push_back(line("orders", join(pieces, "~")));
  }
  return cookies;
}

}  // namespace panshi::shop
