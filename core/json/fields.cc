// SPDX-License-Identifier: Apache-2.0
#include "core/json/fields.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

#include "core/base/struck.h"
#include "core/base/text.h"

namespace panshi {
namespace {

constexpr int kDepthMax = 64;

std::string wrong_type(const nlohmann::json& found, std::string_view expected) {
  constexpr std::size_t kShown = 40;
  const std::string whole = dump_json(found);
  std::string shown = struck_head(whole, kShown);
  if (whole.size() > kShown) shown += "…";
  return cat("must be ", expected, ", not ", found.type_name(), " `", shown, "`");
}

template <class T>
std::string bounds_text(const T& min, const T& max, const auto& show) {
  const Range<T> all;
  if (max == all.max) return cat("at least ", show(min));
  if (min == all.min) return cat("at most ", show(max));
  return cat("from ", show(min), " to ", show(max));
}

}  // namespace

Fields::Fields(const nlohmann::json& object, std::string path, Problems& problems)
    : object_(object), path_(std::move(path)), problems_(problems) {
  if (!object_.is_object()) problems_.add(path_, wrong_type(object_, "an object"));
}

std::string Fields::path_of(std::string_view key) const {
  if (key.empty()) return path_;
  return path_.empty() ? std::string(key) : cat(path_, ".", key);
}

void Fields::problem(std::string_view key, std::string message) {
  problems_.add(path_of(key), std::move(message));
}

bool Fields::has(const char* key) const {
  return object_.is_object() && object_.contains(key) && !object_.at(key).is_null();
}

const nlohmann::json* Fields::find(const char* key, bool needed) {
  asked_.emplace_back(key);
  if (!object_.is_object()) return nullptr;  // already reported
  const auto found = object_.find(key);
  if (found != object_.end() && !found->is_null()) return &*found;
  if (needed) problem(key, "is missing");
  return nullptr;
}

namespace {

void read(Fields& in, const char* key, const nlohmann::json* found, bool& out) {
  if (!found) return;
  if (!found->is_boolean()) return in.problem(key, wrong_type(*found, "true or false"));
  out = found->get<bool>();
}

void read(Fields& in, const char* key, const nlohmann::json* found, std::string& out) {
  if (!found) return;
  if (!found->is_string()) return in.problem(key, wrong_type(*found, "text"));
  out = found->get<std::string>();
}

void read(Fields& in, const char* key, const nlohmann::json* found, std::int64_t& out,
          Range<std::int64_t> range) {
  if (!found) return;
  if (!found->is_number_integer()) return in.problem(key, wrong_type(*found, "a whole number"));
  const bool too_big = found->is_number_unsigned() &&
                       found->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
  const std::int64_t value = too_big ? INT64_MAX : found->get<std::int64_t>();
  if (too_big || value < range.min || value > range.max) {
    return in.problem(key, cat("must be ",
                               bounds_text(range.min, range.max,
                                           [](std::int64_t n) { return std::to_string(n); }),
                               ", not ", found->dump()));
  }
  out = value;
}

void read(Fields& in, const char* key, const nlohmann::json* found, double& out,
          Range<double> range) {
  if (!found) return;
  if (!found->is_number()) return in.problem(key, wrong_type(*found, "a number"));
  const double value = found->get<double>();
  if (!std::isfinite(value) || value < range.min || value > range.max) {
    return in.problem(key, cat("must be ", bounds_text(range.min, range.max, number_text), ", not ",
                               found->dump()));
  }
  out = value;
}

void read(Fields& in, const char* key, const nlohmann::json* found, Duration& out,
          Range<Duration> range) {
  if (!found) return;
  if (!found->is_string()) {
    return in.problem(key, wrong_type(*found, "a duration with a unit, such as \"250ms\""));
  }
  const auto parsed = parse_duration(found->get<std::string>());
  if (!parsed) return in.problem(key, parsed.error().message);
  if (*parsed < range.min || *parsed > range.max) {
    return in.problem(key, cat("must be ", bounds_text(range.min, range.max, duration_text),
                               ", not ", duration_text(*parsed)));
  }
  out = *parsed;
}

void read_word(Fields& in, const char* key, const nlohmann::json* found, std::string& out,
               std::span<const std::string> words) {
  std::string word;
  read(in, key, found, word);
  if (word.empty()) return;
  if (std::find(words.begin(), words.end(), word) == words.end()) {
    return in.problem(
        key, cat("`", word, "` is not one of: ", join(words, ", "), did_you_mean(word, words)));
  }
  out = word;
}

}  // namespace

void Fields::need(const char* key, bool& out) { read(*this, key, find(key, true), out); }
void Fields::may(const char* key, bool& out) { read(*this, key, find(key, false), out); }
void Fields::need(const char* key, std::string& out) {
  const auto* found = find(key, true);
  read(*this, key, found, out);
  if (found && found->is_string() && out.empty()) problem(key, "must not be empty");
}
void Fields::may(const char* key, std::string& out) { read(*this, key, find(key, false), out); }
void Fields::need(const char* key, std::int64_t& out, Range<std::int64_t> range) {
  read(*this, key, find(key, true), out, range);
}
void Fields::may(const char* key, std::int64_t& out, Range<std::int64_t> range) {
  read(*this, key, find(key, false), out, range);
}
void Fields::need(const char* key, double& out, Range<double> range) {
  read(*this, key, find(key, true), out, range);
}
void Fields::may(const char* key, double& out, Range<double> range) {
  read(*this, key, find(key, false), out, range);
}
void Fields::need(const char* key, Duration& out, Range<Duration> range) {
  read(*this, key, find(key, true), out, range);
}
void Fields::may(const char* key, Duration& out, Range<Duration> range) {
  read(*this, key, find(key, false), out, range);
}

void Fields::may(const char* key, std::vector<std::string>& out) {
  std::vector<std::string> items;
  bool given = false;
  may_each(key, [&](const nlohmann::json& item, const std::string& path) {
    given = true;
    if (!item.is_string()) return problems_.add(path, wrong_type(item, "text"));
    items.push_back(item.get<std::string>());
  });
  if (given) out = std::move(items);
}

void Fields::need_word(const char* key, std::string& out, std::span<const std::string> words) {
  read_word(*this, key, find(key, true), out, words);
}
void Fields::may_word(const char* key, std::string& out, std::span<const std::string> words) {
  read_word(*this, key, find(key, false), out, words);
}

const nlohmann::json* Fields::need_value(const char* key) { return find(key, true); }
const nlohmann::json* Fields::may_value(const char* key) { return find(key, false); }

void Fields::need_each(const char* key, const ReadItem& read_item) {
  if (has(key) && object_.at(key).is_array() && object_.at(key).empty()) {
    asked_.emplace_back(key);
    return problem(key, "must not be empty");
  }
  if (!has(key)) {
    (void)find(key, true);
    return;
  }
  may_each(key, read_item);
}

void Fields::may_each(const char* key, const ReadItem& read_item) {
  const auto* found = find(key, false);
  if (!found) return;
  if (!found->is_array()) return problem(key, wrong_type(*found, "a list"));
  for (std::size_t i = 0; i < found->size(); ++i) {
    read_item((*found)[i], cat(path_of(key), "[", i, "]"));
  }
}

void Fields::done() {
  if (!object_.is_object()) return;
  for (const auto& [key, unused] : object_.items()) {
    if (problems_.full()) return;
    if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) {
      problem(key, cat("is not a known field", did_you_mean(key, asked_)));
    }
  }
}

namespace {

using Json = nlohmann::json;

// What the library takes without a word: any depth, of two values of one name the last, and what
// stands behind a zero byte. What we say has some hundred keys in an object; to look for one that
// is there twice takes its time with each. An empty container takes twenty times its text.
constexpr std::size_t kKeysMax = 50'000;         // of an object
constexpr std::size_t kContainersMax = 500'000;  // objects and lists of a text

// Builds the value while it looks. Not by a callback of the library's, which goes through all that
// a container holds each time that one in it ends: a megabyte of `[{},{},…]` takes it a minute.
class StrictBuilder {
 public:
  explicit StrictBuilder(Json& into) : builder_(into) {}

  bool null() { return builder_.null(); }
  bool boolean(bool value) { return builder_.boolean(value); }
  bool number_integer(std::int64_t value) { return builder_.number_integer(value); }
  bool number_unsigned(std::uint64_t value) { return builder_.number_unsigned(value); }
  bool number_float(double value, const std::string& text) {
    return builder_.number_float(value, text);
  }
  bool string(std::string& value) { return builder_.string(value); }
  bool binary(Json::binary_t& value) { return builder_.binary(value); }
  bool start_object(std::size_t size) {
    names_.emplace_back();
    return begin() && builder_.start_object(size);
  }
  bool key(std::string& name) {
    if (!names_.back().insert(name).second) return refuse(cat("`", name, "` is there twice"));
    if (names_.back().size() > kKeysMax) {
      return refuse(cat("an object has too many keys: ", kKeysMax, " at most"));
    }
    return builder_.key(name);
  }
  bool end_object() {
    names_.pop_back();
    --depth_;
    return builder_.end_object();
  }
  bool start_array(std::size_t size) { return begin() && builder_.start_array(size); }
  bool end_array() {
    --depth_;
    return builder_.end_array();
  }
  template <class Exception>
  bool parse_error(std::size_t, const std::string&, const Exception& error) {
    return refuse(cat("not JSON: ", error.what()));
  }

  Status verdict() const { return why_.empty() ? Status() : fail(ErrorCode::kInvalid, why_); }

 private:
  bool begin() {
    if (++depth_ > kDepthMax) return refuse(cat("nested deeper than ", kDepthMax));
    if (++containers_ > kContainersMax) {
      return refuse(cat("too many objects and lists: ", kContainersMax, " at most"));
    }
    return true;
  }
  bool refuse(std::string why) {
    why_ = std::move(why);
    return false;
  }

  nlohmann::detail::json_sax_dom_parser<Json> builder_;
  std::vector<std::set<std::string>> names_;  // of the objects that are open
  int depth_ = 0;
  std::size_t containers_ = 0;
  std::string why_;
};

}  // namespace

Result<nlohmann::json> parse_json(std::string_view text, std::size_t size_max) {
  if (text.size() > size_max) {
    return fail(ErrorCode::kInvalid, cat("longer than ", size_max, " bytes"));
  }
  // To the library it is the end.
  if (const auto zero = text.find('\0'); zero != std::string_view::npos) {
    return fail(ErrorCode::kInvalid, cat("not JSON: byte ", zero + 1, " is zero"));
  }
  Json json;
  StrictBuilder builder(json);
  try {
    Json::sax_parse(text, &builder);
  } catch (const Json::exception& bad) {
    return fail(ErrorCode::kInvalid, cat("not JSON: ", bad.what()));
  }
  if (auto strict = builder.verdict(); !strict) return tl::unexpected(strict.error());
  return json;
}

std::string dump_json(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}
std::string dump_json_pretty(const nlohmann::json& json) {
  return printable_json(json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace panshi
