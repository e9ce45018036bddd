// SPDX-License-Identifier: Apache-2.0
// The table of fault kinds, and the readers made from it.
#include <algorithm>

#include "agents/faults/db_disconnect.h"
#include "agents/faults/fault.h"
#include "agents/faults/link_faults.h"
#include "agents/faults/process_kill.h"
#include "agents/faults/process_pause.h"
#include "agents/faults/service_target.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "core/json/fields.h"

namespace panshi::agent {
namespace {

Duration known_duration(const char* text) {  // of a row of the tables
  const auto duration = parse_duration(text);
  CHECK_BUG(duration.has_value());
  return *duration;
}

std::string read_param(const ParamSpec& spec, Fields& in) {
  if (spec.type == ParamSpec::Type::kDuration) {
    Duration value = known_duration(spec.default_text);
    in.may(spec.name, value, {.min = known_duration(spec.min), .max = known_duration(spec.max)});
    return duration_text(value);
  }
  std::string value = spec.default_text;
  in.may_word(spec.name, value, split(spec.words, '|'));
  return value;
}

nlohmann::json param_json(const ParamSpec& spec) {
  const bool duration = spec.type == ParamSpec::Type::kDuration;
  nlohmann::json json{{"name", spec.name},      {"type", duration ? "duration" : "text"},
                      {"unit", spec.unit},      {"default", spec.default_text},
                      {"min", spec.min},        {"max", spec.max},
                      {"summary", spec.summary}};
  if (*spec.words != '\0') json["words"] = split(spec.words, '|');
  return json;
}

}  // namespace

std::span<const FaultKind> fault_kinds() {
  static const FaultKind kKinds[] = {
      {.name = "db.disconnect",
       .summary = "Ends every client connection of a MariaDB service and refuses new ones.",
       .target_key = "service",
       .params = {},
       .make = &make_db_disconnect,
       .exclusive = true,
       .cheap_measure = false,
       .why_not = &why_no_database},
      {.name = "link.delay",
       .summary = "Delivers each chunk of a link a set time after it was read.",
       .target_key = "link",
       .params = link_delay_params(),
       .make = &make_link_delay,
       .exclusive = false,
       .cheap_measure = true,
       .why_not = &why_no_link},
      {.name = "link.down",
       .summary = "Closes what is established on a link and refuses new connections.",
       .target_key = "link",
       .params = {},
       .make = &make_link_down,
       .exclusive = false,
       .cheap_measure = true,
       .why_not = &why_no_link},
      {.name = "link.reset",
       .summary = "Resets what is established on a link, and each new connection.",
       .target_key = "link",
       .params = {},
       .make = &make_link_reset,
       .exclusive = false,
       .cheap_measure = true,
       .why_not = &why_no_link},
      {.name = "process.kill",
       .summary = "Sends a signal to every process of a service, once.",
       .target_key = "service",
       .params = process_kill_params(),
       .make = &make_process_kill,
       .exclusive = false,
       .cheap_measure = true,
       .why_not = &why_no_service},
      {.name = "process.pause",
       .summary = "Freezes every process of a service without closing its sockets.",
       .target_key = "service",
       .params = {},
       .make = &make_process_pause,
       .exclusive = true,
       .cheap_measure = true,
       .why_not = &why_no_service},
  };
  return kKinds;
}

Result<const FaultKind*> find_kind(const std::string& name) {
  std::vector<std::string> known;
  for (const FaultKind& kind : fault_kinds()) {
    if (kind.name == name) return &kind;
    known.emplace_back(kind.name);
  }
  return fail(ErrorCode::kInvalid, cat("kind `", name, "` is not known", did_you_mean(name, known),
                                       "; known are ", join(known, ", ")));
}

Duration FaultRequest::duration(const std::string& name) const {
  return known_duration(params.at(name).c_str());
}

FaultRequest read_request(const FaultKind& kind, std::string id, const nlohmann::json& target,
                          const nlohmann::json& params, Problems& problems) {
  FaultRequest request{.id = std::move(id), .target = {}, .params = {}};
  Fields in_target(target, "target", problems);
  in_target.need(kind.target_key, request.target);
  in_target.done();
  const nlohmann::json none = nlohmann::json::object();
  Fields in_params(params.is_null() ? none : params, "params", problems);
  for (const ParamSpec& spec : kind.params) {
    request.params.emplace(spec.name, read_param(spec, in_params));
  }
  in_params.done();
  return request;
}

nlohmann::json to_json(const FaultKind& kind, Host& host) {
  nlohmann::json params = nlohmann::json::array();
  for (const ParamSpec& spec : kind.params) params.push_back(param_json(spec));
  const std::string why_not = kind.why_not(host);
  return {{"name", kind.name},           {"summary", kind.summary},     {"target", kind.target_key},
          {"params", std::move(params)}, {"possible", why_not.empty()}, {"why_not", why_not}};
}

}  // namespace panshi::agent
