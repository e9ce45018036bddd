// SPDX-License-Identifier: Apache-2.0
// Fields: reads one JSON object into a struct and says exactly what is wrong with it.
//
//     Problems problems;
//     Fields in(json, "faults[2]", problems);
//     in.need("kind", fault.kind);
//     in.may("for", fault.term, {1s, 1h});
//     in.done();                       // keys nobody asked for are problems too
//     if (!problems.empty()) ...
//
// Scenario files and HTTP bodies share these readers. Nothing is converted silently: an integer
// field refuses 3.9, a duration field wants its unit ("250ms"), a number out of bounds names the
// bounds, a typo names the nearest known key.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/json/problems.h"

namespace panshi {

template <class T>
struct Range {  // both ends included
  T min = std::numeric_limits<T>::lowest();
  T max = std::numeric_limits<T>::max();
};
template <>
struct Range<Duration> {
  Duration min{0};
  Duration max = Duration::max();
};

class Fields {
 public:
  // `object` must outlive this.
  Fields(const nlohmann::json& object, std::string path, Problems& problems);

  // `need` reports an absent key, `may` keeps the default. Both report a wrong type or bounds.
  // An explicit null counts as absent.
  void need(const char* key, bool& out);
  void may(const char* key, bool& out);
  void need(const char* key, std::string& out);  // also refuses ""
  void may(const char* key, std::string& out);
  void need(const char* key, std::int64_t& out, Range<std::int64_t> range = {});
  void may(const char* key, std::int64_t& out, Range<std::int64_t> range = {});
  void need(const char* key, double& out, Range<double> range = {});
  void may(const char* key, double& out, Range<double> range = {});
  void need(const char* key, Duration& out, Range<Duration> range = {});
  void may(const char* key, Duration& out, Range<Duration> range = {});
  void may(const char* key, std::vector<std::string>& out);

  // One of the listed words; the message lists them.
  void need_word(const char* key, std::string& out, std::span<const std::string> words);
  void may_word(const char* key, std::string& out, std::span<const std::string> words);

  // The value itself for nested reading, or null when absent. Marks the key as known.
  const nlohmann::json* need_value(const char* key);
  const nlohmann::json* may_value(const char* key);
  // Calls `read(item, path)` for each element of an array; reports a value that is no array.
  using ReadItem = std::function<void(const nlohmann::json&, std::string path)>;
  void need_each(const char* key, const ReadItem& read);  // also refuses an empty array
  void may_each(const char* key, const ReadItem& read);

  bool has(const char* key) const;  // does not mark the key as known
  std::string path_of(std::string_view key) const;
  void problem(std::string_view key, std::string message);  // key may be ""
  Problems& problems() { return problems_; }

  // Reports every key that was not asked for.
  void done();

 private:
  const nlohmann::json* find(const char* key, bool needed);

  const nlohmann::json& object_;
  std::string path_;
  Problems& problems_;
  std::vector<std::string> asked_;
};

// Parses untrusted text: at most `size_max` bytes and 64 levels deep; errors name the byte.
Result<nlohmann::json> parse_json(std::string_view text, std::size_t size_max = 1 << 20);

// One line; bytes that are not UTF-8 (child output) become U+FFFD instead of an exception.
std::string dump_json(const nlohmann::json& json);
std::string dump_json_pretty(const nlohmann::json& json);

}  // namespace panshi
