// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/model/coupon.h"

#include <algorithm>
#include <charconv>

namespace panshi::shop {
namespace {

std::optional<int> whole_number(std::string_view text) {
  int value = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  return error == std::errc() && end == last && value >= 0 ? std::optional(value) : std::nullopt;
}

}  // namespace

bool is_coupon_code(std::string_view text) {
  return text.size() >= 3 && text.size() <= 32 &&
         text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == std::string_view::npos;
}

std::string coupon_code_typed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "";
  std::string code(text.substr(first, text.find_last_not_of(" \t") + 1 - first));
  for (char& c : code) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return code;
}

std::int64_t discount_of(const Coupon& coupon, std::int64_t price_cents) {
  const std::int64_t off =
      coupon.percent_off > 0 ? price_cents * coupon.percent_off / 100 : coupon.off_cents;
  return std::clamp<std::int64_t>(off, 0, std::max<std::int64_t>(price_cents - 1, 0));
}

std::optional<WallTime> day_of(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = whole_number(text.substr(0, 4));
  const auto month = whole_number(text.substr(5, 2));
  const auto day = whole_number(text.substr(8, 2));
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return WallTime(std::chrono::sys_days(date));
}

}  // namespace panshi::shop
