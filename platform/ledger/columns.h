// SPDX-License-Identifier: Apache-2.0
// Columns: every column of every store of the shop, and what the audit does with it.
//
// A test walks the real stores: a column that is missing here, or stands here and nowhere else,
// fails it. So does one that is called judged although no planted damage to it is found.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace panshi::shop {

enum class Care {
  kJudged,      // damage to it is found
  kNotChecked,  // a person could notice it; `why` stands beside every verdict
  kInternal     // nobody but the shop's own programs can notice it; `why` says what it is for
};

struct Column {
  const char* store;  // "mariadb", "redis", "psp", "coupons", "extras", "inbox"
  const char* table;  // in Redis the form of the key
  const char* column;
  Care care;
  const char* why;  // "" when judged
};

std::span<const Column> all_columns();
// The sentences of kNotChecked, each once.
std::vector<std::string> never_checked();

}  // namespace panshi::shop
