// SPDX-License-Identifier: Apache-2.0
// Words: what the pages say, in Chinese and in English (dictionary/*.yaml).
//
// Read once and immutable: any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace panshi::shop {

enum class Language { kChinese, kEnglish };
std::string_view code_of(Language language);  // "zh", "en"

class Words {
 public:
  // `yaml` is a dictionary: key to text. REQUIRES: it is one (it is built in).
  explicit Words(std::string_view yaml);

  // REQUIRES: the key exists.
  const std::string& operator()(std::string_view key) const;
  // With {name} replaced by the value.
  std::string with(std::string_view key, std::string_view name, std::string_view value) const;
  const nlohmann::json& all() const { return texts_; }  // an object

 private:
  nlohmann::json texts_;
};

const Words& words(Language language);

// "音乐会员月卡 / Music membership": the part in this language; all of it when it has no two parts.
std::string title_in(Language language, std::string_view title);
std::string price_text(std::int64_t cents);  // "¥15.00"
std::string time_text(std::int64_t us);      // "2026-11-22 19:00 UTC"; "" for 0

}  // namespace panshi::shop
