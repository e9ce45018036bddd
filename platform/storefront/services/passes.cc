// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/services/passes.h"

#include <charconv>

#include "core/base/text.h"
#include "core/io/mac.h"

namespace panshi::shop {
namespace {

constexpr std::int64_t kPaidGoodSeconds = 3'600;
constexpr std::int64_t kWaitedGoodSeconds = 60;

std::int64_t seconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

// "<text>.<mac>" cut at the last dot; the mac is right for `kind|text|bound`.
std::optional<std::string_view> text_of(std::string_view pass, std::string_view kind,
                                        std::string_view bound, const std::string& key) {
  const auto dot = pass.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view text = pass.substr(0, dot);
  if (!is_mac_of(pass.substr(dot + 1), key, cat(kind, "|", text, "|", bound))) return std::nullopt;
  return text;
}

std::optional<std::int64_t> number_in(std::string_view text) {
  std::int64_t value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  if (text.empty() || error != std::errc() || end != last) return std::nullopt;
  return value;
}

}  // namespace

Passes::Passes(std::string key) : key_(key.empty() ? random_key() : std::move(key)) {}

std::string Passes::key_for(std::string_view purpose) const {
  return mac_of(key_, cat("key|", purpose));
}

std::string Passes::paid(const std::string& order, WallTime now) const {
  const std::string text = cat(order, ".", seconds_of(now) + kPaidGoodSeconds);
  return cat(text, ".", mac_of(key_, cat("paid|", text, "|")));
}

std::optional<std::string> Passes::paid_order(std::string_view pass, WallTime now) const {
  const auto text = text_of(pass, "paid", "", key_);
  if (!text) return std::nullopt;
  const auto dot = text->rfind('.');
  const auto until = number_in(text->substr(dot + 1));
  if (!until || seconds_of(now) > *until) return std::nullopt;
  return std::string(text->substr(0, dot));
}

std::string Passes::waited(const std::string& user, const std::string& key, WallTime from) const {
  // Rounded up: who comes at the second he was told has waited.
  const std::string text = cat(seconds_of(from + std::chrono::milliseconds(999)));
  return cat(text, ".", mac_of(key_, cat("waited|", text, "|", user, "|", key)));
}

bool Passes::has_waited(std::string_view pass, const std::string& user, const std::string& key,
                        WallTime now) const {
  const auto text = text_of(pass, "waited", cat(user, "|", key), key_);
  if (!text) return false;
  const auto from = number_in(*text);
  return from && seconds_of(now) >= *from && seconds_of(now) <= *from + kWaitedGoodSeconds;
}

}  // namespace panshi::shop
