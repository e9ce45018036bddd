// SPDX-License-Identifier: Apache-2.0
#include "platform/customers/record.h"

#include <array>
#include <nlohmann/json.hpp>

#include "core/base/text.h"
#include "core/json/fields.h"

namespace panshi::shop {
namespace {

constexpr std::array<std::string_view, 8> kSteps = {"start", "arrive", "browse",  "order",
                                                    "pay",   "fetch",  "history", "chat"};
constexpr std::array<std::string_view, 6> kOutcomes = {"attempt",       "ok",   "refused",
                                                       "indeterminate", "late", "dropped"};

struct TextField {
  std::string_view name;
  std::string Record::*member;
};
struct NumberField {
  std::string_view name;
  std::int64_t Record::*member;
  std::int64_t normal;  // left out of the line
};
constexpr TextField kTexts[] = {
    {"customer", &Record::customer}, {"key", &Record::key},         {"order", &Record::order},
    {"user", &Record::user},         {"product", &Record::product}, {"card_key", &Record::card_key},
    {"kind", &Record::kind},
};
constexpr NumberField kNumbers[] = {
    {"at_us", &Record::at_us, -1},    {"intended_us", &Record::intended_us, 0},
    {"attempt", &Record::attempt, 1}, {"amount_cents", &Record::amount_cents, 0},
    {"status", &Record::status, 0},   {"latency_us", &Record::latency_us, 0},
};

// Events of the parser instead of a document: an audit reads hundreds of thousands of lines.
class LineReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit LineReader(Record& record) : record_(record) {}
  bool whole() const { return closed_ && has_step_ && has_outcome_ && has_time_; }

  bool start_object(std::size_t) override { return std::exchange(opened_, true) == false; }
  bool end_object() override { return closed_ = true; }
  bool start_array(std::size_t) override { return false; }
  bool end_array() override { return false; }
  bool null() override { return false; }
  bool boolean(bool) override { return false; }
  bool binary(binary_t&) override { return false; }
  bool number_float(double, const std::string&) override { return false; }
  bool key(std::string& name) override {
    key_.swap(name);
    return opened_;
  }
  bool number_integer(std::int64_t) override { return false; }  // only ever negative: we write none
  bool number_unsigned(std::uint64_t value) override {
    if (value > static_cast<std::uint64_t>(INT64_MAX)) return false;
    for (const NumberField& field : kNumbers) {
      if (field.name != key_) continue;
      record_.*field.member = static_cast<std::int64_t>(value);
      has_time_ = has_time_ || field.member == &Record::at_us;
      return true;
    }
    return false;
  }
  bool string(std::string& value) override {
    if (key_ == "step") return has_step_ = choose(kSteps, value, record_.step);
    if (key_ == "outcome") return has_outcome_ = choose(kOutcomes, value, record_.outcome);
    for (const TextField& field : kTexts) {
      if (field.name != key_) continue;
      record_.*field.member = std::move(value);
      return true;
    }
    return false;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  template <class Enum>
  static bool choose(std::span<const std::string_view> names, const std::string& name, Enum& out) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i] != name) continue;
      out = static_cast<Enum>(i);
      return true;
    }
    return false;
  }

  Record& record_;
  std::string key_;
  bool opened_ = false;
  bool closed_ = false;
  bool has_time_ = false;
  bool has_step_ = false;
  bool has_outcome_ = false;
};

}  // namespace

std::string_view step_name(Step step) { return kSteps[static_cast<std::size_t>(step)]; }
std::string_view outcome_name(Outcome outcome) {
  return kOutcomes[static_cast<std::size_t>(outcome)];
}

std::string to_line(const Record& record) {
  nlohmann::json line = {{"step", step_name(record.step)},
                         {"outcome", outcome_name(record.outcome)}};
  for (const NumberField& field : kNumbers) {
    if (record.*field.member != field.normal) line[field.name] = record.*field.member;
  }
  for (const TextField& field : kTexts) {
    if (!(record.*field.member).empty()) line[field.name] = record.*field.member;
  }
  return dump_json(line);
}

Result<Record> read_line(std::string_view line) {
  Record record;
  LineReader reader(record);
  if (!nlohmann::json::sax_parse(line, &reader) || !reader.whole()) {
    return fail(ErrorCode::kInvalid, cat("not a line of a customers' log: `", line.substr(0, 80),
                                         line.size() > 80 ? "…`" : "`"));
  }
  return record;
}

}  // namespace panshi::shop
