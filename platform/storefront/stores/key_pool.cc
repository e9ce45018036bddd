// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/stores/key_pool.h"

#include <unordered_map>

#include "core/base/ids.h"
#include "core/base/text.h"

namespace panshi::shop {
namespace {

constexpr std::size_t kKeysMax = 10'000;
constexpr std::size_t kKeyBytesMax = 64;
constexpr std::size_t kProblemsMax = 20;

std::string without_end(std::string line) {
  while (line.ends_with('\r') || line.ends_with(' ') || line.ends_with('\t')) line.pop_back();
  return line;
}

std::string what_is_wrong(const std::string& key) {
  if (key.size() > kKeyBytesMax) return cat("longer than ", kKeyBytesMax, " characters");
  return is_id(key) ? "" : "a key has only the characters A-Z a-z 0-9 _ . -";
}

}  // namespace

Result<std::vector<std::string>> read_key_pool(std::string_view text) {
  std::vector<std::string> keys;
  std::unordered_map<std::string, std::size_t> line_of;
  std::vector<std::string> problems;
  std::size_t number = 0;
  for (const std::string& raw : split(text, '\n')) {
    ++number;
    const std::string key = without_end(raw);
    if (key.empty() || key.starts_with('#')) continue;
    std::string wrong = what_is_wrong(key);
    const auto [earlier, fresh] = line_of.emplace(key, number);
    if (wrong.empty() && !fresh) wrong = cat("the same key as in line ", earlier->second);
    if (!wrong.empty()) problems.push_back(cat("line ", number, ": ", wrong));
    if (problems.size() == kProblemsMax) break;
    keys.push_back(key);
  }
  if (problems.empty() && keys.empty()) problems.push_back("no key in it");
  if (problems.empty() && keys.size() > kKeysMax) {
    problems.push_back(cat("more than ", kKeysMax, " keys"));
  }
  if (!problems.empty()) return fail(ErrorCode::kInvalid, join(problems, "\n"));
  return keys;
}

std::string import_id_of(const std::string& product, const std::vector<std::string>& keys) {
  return hex16(fnv1a(cat(product, "\n", join(keys, "\n"))));
}

}  // namespace panshi::shop
