// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/pages/words.h"

#include <ctime>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/yaml.h"
#include "platform/storefront/pages/embedded.h"

namespace panshi::shop {

std::string_view code_of(Language language) { return language == Language::kChinese ? "zh" : "en"; }

Words::Words(std::string_view yaml) {
  auto read = read_yaml(yaml, "dictionary");
  CHECK_BUG(read && read->root.is_object());
  texts_ = std::move(read->root);
}

const std::string& Words::operator()(std::string_view key) const {
  const auto found = texts_.find(std::string(key));
  CHECK_BUG(found != texts_.end() && found->is_string());
  return found->get_ref<const std::string&>();
}

std::string Words::with(std::string_view key, std::string_view name, std::string_view value) const {
  std::string text = (*this)(key);
  const std::string place = cat("{", name, "}");
  const std::size_t at = text.find(place);
  if (at != std::string::npos) text.replace(at, place.size(), value);
  return text;
}

const Words& words(Language language) {
  static const Words kChinese(page_file("dictionary/zh.yaml"));
  static const Words kEnglish(page_file("dictionary/en.yaml"));
  return language == Language::kChinese ? kChinese : kEnglish;
}

std::string title_in(Language language, std::string_view title) {
  constexpr std::string_view kBetween = " / ";
  const std::size_t at = title.find(kBetween);
  if (at == std::string_view::npos) return std::string(title);
  return std::string(language == Language::kChinese ? title.substr(0, at)
                                                    : title.substr(at + kBetween.size()));
}

std::string price_text(std::int64_t cents) {
  return cat("¥", cents / 100, ".", cents % 100 < 10 ? "0" : "", cents % 100);
}

std::string time_text(std::int64_t us) {
  if (us <= 0) return "";
  const std::time_t seconds = us / 1'000'000;
  std::tm parts = {};
  gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts)};
}

}  // namespace panshi::shop
