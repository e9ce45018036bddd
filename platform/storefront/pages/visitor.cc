// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/pages/visitor.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/base/check.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/io/mac.h"
#include "platform/storefront/base/serve.h"

namespace panshi::shop {
namespace {

constexpr std::size_t kUserDigits = 18;
constexpr std::size_t kRememberedMax = 10;
constexpr std::int64_t kCookieSeconds = 365 * 24 * 3600;
constexpr std::size_t kCookieBytesMax = 4'096;

std::string cookie(std::string_view header, std::string_view name) {
  if (header.size() > kCookieBytesMax) return "";
  for (const std::string& piece : split(header, ';')) {
    const std::string pair = trimmed(piece);
    const std::size_t equals = pair.find('=');
    if (equals != std::string::npos && pair.substr(0, equals) == name) {
      return pair.substr(equals + 1);
    }
  }
  return "";
}

bool all_of_kind(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}
bool is_user(std::string_view text) {
  return text.size() == kUserDigits + 2 && text.starts_with("u-") &&
         all_of_kind(text.substr(2), "0123456789");
}
std::string new_user(std::string_view hex) {
  std::uint64_t number = 0;
  std::from_chars(hex.data(), hex.data() + 16, number, 16);
  const std::string digits = std::to_string(number % 1'000'000'000'000'000'000);
  return cat("u-", std::string(kUserDigits - digits.size(), '0'), digits);
}

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
  const std::string kept_user = cookie(source.cookie, "user");
  const auto dot = kept_user.find('.');
  visitor.user = kept_user.substr(0, dot);
  const std::string signature = dot == std::string::npos ? "" : kept_user.substr(dot + 1);
  visitor.is_new =
      !is_user(visitor.user) || !is_mac_of(signature, source.key, cat("visitor|", visitor.user));
  if (visitor.is_new) {
    CHECK_BUG(source.random_hex.size() >= 16);
    visitor.user = new_user(source.random_hex);
  }
  visitor.signature = mac_of(source.key, cat("visitor|", visitor.user));
  visitor.token = mac_of(source.key, cat("form|", visitor.user));
  const auto wished = language_of(source.lang);
  const auto kept = language_of(cookie(source.cookie, "lang"));
  const auto liked = accepted(source.accept_language);
  visitor.chose_language = wished.has_value();
  visitor.language = wished ? *wished : kept ? *kept : liked ? *liked : Language::kChinese;
  visitor.over_tls = source.over_tls;
  visitor.orders = read_orders(cookie(source.cookie, "orders"));
  return visitor;
}

std::vector<std::string> cookies_of(const Visitor& visitor) {
  const auto line = [&](std::string_view name, std::string_view value) {
    return cookie_line(name, value, kCookieSeconds, "Lax", visitor.over_tls);
  };
  std::vector<std::string> cookies;
  if (visitor.is_new) {
    cookies.push_back(line("user", cat(visitor.user, ".", visitor.signature)));
  }
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
