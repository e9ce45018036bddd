// SPDX-License-Identifier: Apache-2.0
// How each kind of core/model/fault_kinds is put in force, and the readers made from the table.
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

constexpr FaultMeans kMeans[] = {
    {.kind = "db.disconnect",
     .make = &make_db_disconnect,
     .exclusive = true,
     .cheap_measure = false,
     .why_not = &why_no_database},
    {.kind = "link.delay",
     .make = &make_link_delay,
     .exclusive = false,
     .cheap_measure = true,
     .why_not = &why_no_link},
    {.kind = "link.down",
     .make = &make_link_down,
     .exclusive = false,
     .cheap_measure = true,
     .why_not = &why_no_link},
    {.kind = "link.reset",
     .make = &make_link_reset,
     .exclusive = false,
     .cheap_measure = true,
     .why_not = &why_no_link},
    {.kind = "process.kill",
     .make = &make_process_kill,
     .exclusive = false,
     .cheap_measure = true,
     .why_not = &why_no_service},
    {.kind = "process.pause",
     .make = &make_process_pause,
     .exclusive = true,
     .cheap_measure = true,
     .why_not = &why_no_service},
};

std::vector<FaultKind> make_kinds() {
  std::vector<FaultKind> kinds;
  for (const FaultKindSpec& spec : fault_kind_specs()) {
    const auto means = std::find_if(std::begin(kMeans), std::end(kMeans), [&](const auto& row) {
      return std::string_view(row.kind) == spec.name;
    });
    CHECK_BUG(means != std::end(kMeans));  // a kind without means cannot be built unnoticed
    kinds.push_back({spec, *means});
  }
  return kinds;
}

}  // namespace

std::span<const FaultKind> fault_kinds() {
  static const std::vector<FaultKind> kKinds = make_kinds();
  return kKinds;
}

Result<const FaultKind*> find_kind(const std::string& name) {
  for (const FaultKind& kind : fault_kinds()) {
    if (kind.name == name) return &kind;
  }
  const auto known = fault_kind_names();
  return fail(ErrorCode::kInvalid, cat("kind `", name, "` is not known", did_you_mean(name, known),
                                       "; known are ", join(known, ", ")));
}

Duration FaultRequest::duration(const std::string& name) const {
  const auto duration = parse_duration(params.at(name));
  CHECK_BUG(duration.has_value());  // read_request() wrote it
  return *duration;
}

FaultRequest read_request(const FaultKind& kind, std::string id, const nlohmann::json& target,
                          const nlohmann::json& params, Problems& problems) {
  FaultRequest request{.id = std::move(id), .target = {}, .params = {}};
  Fields in_target(target, "target", problems);
  in_target.need(kind.target_key, request.target);
  in_target.done();
  request.params = read_fault_params(kind, params, "params", problems);
  return request;
}

nlohmann::json to_json(const FaultKind& kind, Host& host) {
  nlohmann::json json = panshi::to_json(kind);
  const std::string why_not = kind.why_not(host);
  json["possible"] = why_not.empty();
  json["why_not"] = why_not;
  return json;
}

}  // namespace panshi::agent
