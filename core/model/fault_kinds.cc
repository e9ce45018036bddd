// SPDX-License-Identifier: Apache-2.0
#include "core/model/fault_kinds.h"

#include <algorithm>
#include <optional>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/json/fields.h"
#include "core/model/faults/groups.h"

namespace panshi {
namespace {

using Type = FaultParam::Type;

std::vector<FaultKindSpec> gather() {
  std::vector<FaultKindSpec> all;
  for (const auto& group : {database_faults(), dns_faults(), file_faults(), link_faults(),
                            load_faults(), network_faults(), process_faults(), queue_faults(),
                            redis_faults(), resource_faults(), syscall_faults(), time_faults()}) {
    all.insert(all.end(), group.begin(), group.end());
  }
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return std::string_view(a.name) < b.name; });
  return all;
}

const std::vector<FaultKindSpec>& kinds() {
  static const std::vector<FaultKindSpec> kKinds = gather();
  return kKinds;
}

template <class T>
T known(const Result<T>& parsed) {  // of a row of the tables
  CHECK_BUG(parsed.has_value());
  return *parsed;
}

// A value and its bounds, as the rows write them.
template <class T, class Parse>
std::pair<T, Range<T>> bounds(const FaultParam& param, Parse parse) {
  const T value = param.default_text ? known<T>(parse(param.default_text)) : T{};
  return {value, {.min = known<T>(parse(param.min)), .max = known<T>(parse(param.max))}};
}

std::string read_duration(const FaultParam& param, Fields& in) {
  auto [value, range] = bounds<Duration>(param, parse_duration);
  param.default_text ? in.may(param.name, value, range) : in.need(param.name, value, range);
  return duration_text(value);
}

std::string read_integer(const FaultParam& param, Fields& in) {
  auto [value, range] = bounds<std::int64_t>(param, parse_integer);
  param.default_text ? in.may(param.name, value, range) : in.need(param.name, value, range);
  return std::to_string(value);
}

std::string read_percent(const FaultParam& param, Fields& in) {
  auto [value, range] = bounds<double>(param, parse_number);
  param.default_text ? in.may(param.name, value, range) : in.need(param.name, value, range);
  return number_text(value);
}

std::string read_size(const FaultParam& param, Fields& in) {
  auto [value, range] = bounds<std::int64_t>(param, parse_size);
  const nlohmann::json* found =
      param.default_text ? in.may_value(param.name) : in.need_value(param.name);
  if (!found) return size_text(value);
  const auto read = found->is_string()           ? parse_size(found->get<std::string>())
                    : found->is_number_integer() ? Result<std::int64_t>(found->get<std::int64_t>())
                                                 : fail(ErrorCode::kInvalid, "no size");
  if (!read) {
    in.problem(param.name, "must be a size such as \"64MiB\", or bytes");
  } else if (*read < range.min || *read > range.max) {
    in.problem(param.name, cat("must be from ", param.min, " to ", param.max));
  } else {
    value = *read;
  }
  return size_text(value);
}

std::string read_text(const FaultParam& param, Fields& in) {
  std::string value = param.default_text ? param.default_text : "";
  const auto words = split(param.words, '|');
  if (*param.words == '\0') {
    param.default_text ? in.may(param.name, value) : in.need(param.name, value);
  } else {
    param.default_text ? in.may_word(param.name, value, words)
                       : in.need_word(param.name, value, words);
  }
  // Paths end at it for the kernel, and everywhere else do not.
  if (value.find('\0') != std::string::npos) in.problem(param.name, "holds a zero byte");
  if (param.form == nullptr || (value.empty() && !param.default_text)) return value;
  const auto read = param.form(value);
  if (!read) in.problem(param.name, read.error().message);
  return read.value_or(value);
}

// What no single parameter can know.
void check_together(const std::map<std::string, std::string>& read, const FaultKindSpec& kind,
                    Fields& in) {
  const auto micros = [&](const char* name) {
    const auto found = read.find(name);
    return found == read.end() ? Duration::max() : known(parse_duration(found->second));
  };
  if (read.contains("jitter") && micros("jitter") > micros("delay")) {
    in.problem("jitter", cat("is above `delay` (", read.at("jitter"), " > ", read.at("delay"),
                             "): nothing can come before it was sent"));
  }
  const auto bytes = [&](const char* name) { return known(parse_size(read.at(name))); };
  if (read.contains("variation") && bytes("variation") > bytes("size")) {
    in.problem("variation", cat("is above `size` (", read.at("variation"), " > ", read.at("size"),
                                "): no piece has less than nothing"));
  }
  const bool ssh = kind.on("node") && read.contains("port") && read.at("port") == "22";
  if (ssh) in.problem("port", "22 is how a node is reached when all else fails: it is spared");
}

std::string read_param(const FaultParam& param, Fields& in) {
  switch (param.type) {
    case Type::kDuration:
      return read_duration(param, in);
    case Type::kInteger:
      return read_integer(param, in);
    case Type::kSize:
      return read_size(param, in);
    case Type::kPercent:
      return read_percent(param, in);
    case Type::kText:
      return read_text(param, in);
  }
  return {};
}

const char* type_text(Type type) {
  switch (type) {
    case Type::kDuration:
      return "duration";
    case Type::kInteger:
      return "integer";
    case Type::kSize:
      return "size";
    case Type::kPercent:
      return "percent";
    case Type::kText:
      return "text";
  }
  return "";
}

nlohmann::json param_json(const FaultParam& param) {
  nlohmann::json json{{"name", param.name},      {"type", type_text(param.type)},
                      {"unit", param.unit()},    {"default", nullptr},
                      {"min", param.min},        {"max", param.max},
                      {"summary", param.summary}};
  if (param.default_text) json["default"] = param.default_text;
  if (*param.words != '\0') json["words"] = split(param.words, '|');
  return json;
}

}  // namespace

const char* FaultParam::unit() const {
  switch (type) {
    case Type::kDuration:
      return "ms";
    case Type::kSize:
      return "bytes";
    case Type::kPercent:
      return "%";
    case Type::kInteger:
    case Type::kText:
      return "";
  }
  return "";
}

std::span<const FaultKindSpec> fault_kind_specs() { return kinds(); }

std::vector<std::string> fault_kind_names() {
  std::vector<std::string> names;
  for (const FaultKindSpec& kind : kinds()) names.emplace_back(kind.name);
  return names;
}

const FaultKindSpec* find_fault_kind(std::string_view name) {
  for (const FaultKindSpec& kind : kinds()) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

std::map<std::string, std::string> read_fault_params(const FaultKindSpec& kind,
                                                     const nlohmann::json& params,
                                                     const std::string& path, Problems& problems) {
  const nlohmann::json none = nlohmann::json::object();
  Fields in(params.is_null() ? none : params, path, problems);
  std::map<std::string, std::string> read;
  const std::size_t before = problems.list().size();
  for (const FaultParam& param : kind.params) read.emplace(param.name, read_param(param, in));
  if (problems.list().size() == before) check_together(read, kind, in);
  in.done();
  return read;
}

nlohmann::json fault_params_json(const FaultKindSpec& kind,
                                 const std::map<std::string, std::string>& params) {
  nlohmann::json json = nlohmann::json::object();
  for (const FaultParam& param : kind.params) {
    const auto value = params.find(param.name);
    if (value == params.end()) continue;
    if (param.type == Type::kInteger) {
      json[param.name] = known(parse_integer(value->second));
    } else if (param.type == Type::kPercent) {
      json[param.name] = known(parse_number(value->second));
    } else {
      json[param.name] = value->second;
    }
  }
  return json;
}

nlohmann::json to_json(const FaultKindSpec& kind) {
  nlohmann::json params = nlohmann::json::array();
  for (const FaultParam& param : kind.params) params.push_back(param_json(param));
  return {{"name", kind.name},          {"summary", kind.summary},
          {"target", kind.target_key},  {"targets", kind.target_keys()},
          {"needs", kind.needs},        {"undo", kind.undo},
          {"measured", kind.measured},  {"holds", kind.holds.what},
          {"params", std::move(params)}};
}

std::vector<std::string> FaultKindSpec::target_keys() const {
  std::vector<std::string> keys = {target_key};
  if (*also_on == '\0') return keys;
  for (std::string& key : split(also_on, '|')) keys.push_back(std::move(key));
  return keys;
}

bool FaultKindSpec::takes(std::string_view key) const {
  const std::vector<std::string> keys = target_keys();
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

namespace {

bool is_something(const nlohmann::json& value) {
  return value.is_boolean() ? value.get<bool>() : value.is_number() && value.get<double>() > 0;
}

bool any_effect(const nlohmann::json& effects) {
  return effects.is_array() && std::any_of(effects.begin(), effects.end(), [](const auto& effect) {
           return effect.is_object() && (effect.value("met", false) ||
                                         is_something(effect.value("measured", nlohmann::json())));
         });
}

}  // namespace

bool shows_effect(const FaultKindSpec& kind, const nlohmann::json& measured) {
  const std::string_view by = kind.shown_by;
  if (by == "*") return true;
  if (!measured.is_object()) return false;
  const auto words = split(by, '|');
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    const bool negated = word.starts_with('!');
    const auto found = measured.find(negated ? word.substr(1) : word);
    if (found == measured.end()) return false;
    if (word == "effects") return any_effect(*found);
    return negated ? found->is_boolean() && !found->get<bool>() : is_something(*found);
  });
}

std::string target_shape(std::string_view key) {
  return key == "service" || key == "node" ? cat("{", key, "}") : cat("{node, ", key, "}");
}

}  // namespace panshi
