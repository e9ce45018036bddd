// SPDX-License-Identifier: Apache-2.0
#include "core/model/fault_kinds.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/json/fields.h"

namespace panshi {
namespace {

constexpr FaultParam kLinkDelayParams[] = {
    {.name = "delay",
     .type = FaultParam::Type::kDuration,
     .unit = "ms",
     .default_text = "500ms",
     .min = "0ms",
     .max = "1m",
     .words = "",
     .summary = "How long each chunk is held after it was read, in each direction."},
    {.name = "direction",
     .type = FaultParam::Type::kText,
     .unit = "",
     .default_text = "both",
     .min = "",
     .max = "",
     .words = "both|downstream|upstream",
     .summary = "Which way is slow: upstream is from client to upstream."},
    {.name = "jitter",
     .type = FaultParam::Type::kDuration,
     .unit = "ms",
     .default_text = "0ms",
     .min = "0ms",
     .max = "1m",
     .words = "",
     .summary = "Drawn evenly from delay - jitter to delay + jitter; at most the delay."},
};

constexpr FaultParam kProcessKillParams[] = {
    {.name = "signal",
     .type = FaultParam::Type::kText,
     .unit = "",
     .default_text = "KILL",
     .min = "",
     .max = "",
     .words = "ABRT|HUP|INT|KILL|TERM",
     .summary = "The signal that is sent."},
};

constexpr FaultKindSpec kKinds[] = {
    {.name = "db.disconnect",
     .summary = "Ends every client connection of a MariaDB service and refuses new ones.",
     .target_key = "service",
     .params = {}},
    {.name = "link.delay",
     .summary = "Delivers each chunk of a link a set time after it was read.",
     .target_key = "link",
     .params = kLinkDelayParams},
    {.name = "link.down",
     .summary = "Closes what is established on a link and refuses new connections.",
     .target_key = "link",
     .params = {}},
    {.name = "link.reset",
     .summary = "Resets what is established on a link, and each new connection.",
     .target_key = "link",
     .params = {}},
    {.name = "process.kill",
     .summary = "Sends a signal to every process of a service, once.",
     .target_key = "service",
     .params = kProcessKillParams},
    {.name = "process.pause",
     .summary = "Freezes every process of a service without closing its sockets.",
     .target_key = "service",
     .params = {}},
};

Duration known_duration(const char* text) {  // of a row of the tables
  const auto duration = parse_duration(text);
  CHECK_BUG(duration.has_value());
  return *duration;
}

std::string read_param(const FaultParam& param, Fields& in) {
  if (param.type == FaultParam::Type::kDuration) {
    Duration value = known_duration(param.default_text);
    in.may(param.name, value, {.min = known_duration(param.min), .max = known_duration(param.max)});
    return duration_text(value);
  }
  std::string value = param.default_text;
  in.may_word(param.name, value, split(param.words, '|'));
  return value;
}

nlohmann::json param_json(const FaultParam& param) {
  const bool duration = param.type == FaultParam::Type::kDuration;
  nlohmann::json json{{"name", param.name},      {"type", duration ? "duration" : "text"},
                      {"unit", param.unit},      {"default", param.default_text},
                      {"min", param.min},        {"max", param.max},
                      {"summary", param.summary}};
  if (*param.words != '\0') json["words"] = split(param.words, '|');
  return json;
}

}  // namespace

std::span<const FaultKindSpec> fault_kind_specs() { return kKinds; }

std::vector<std::string> fault_kind_names() {
  std::vector<std::string> names;
  for (const FaultKindSpec& kind : kKinds) names.emplace_back(kind.name);
  return names;
}

const FaultKindSpec* find_fault_kind(std::string_view name) {
  for (const FaultKindSpec& kind : kKinds) {
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
  for (const FaultParam& param : kind.params) read.emplace(param.name, read_param(param, in));
  in.done();
  return read;
}

nlohmann::json to_json(const FaultKindSpec& kind) {
  nlohmann::json params = nlohmann::json::array();
  for (const FaultParam& param : kind.params) params.push_back(param_json(param));
  return {{"name", kind.name},
          {"summary", kind.summary},
          {"target", kind.target_key},
          {"params", std::move(params)}};
}

}  // namespace panshi
