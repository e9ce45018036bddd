// SPDX-License-Identifier: Apache-2.0
// How each kind of core/model/fault_kinds is put in force, and the readers made from the table.
#include <algorithm>

#include "agents/faults/account.h"
#include "agents/faults/fault.h"
#include "agents/faults/means.h"
#include "agents/faults/traces/traces.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "core/json/fields.h"

namespace panshi::agent {
namespace {

template <class T>
T written(const Result<T>& parsed) {
  CHECK_BUG(parsed.has_value());  // read_request() wrote it
  return *parsed;
}

std::vector<FaultMeans> gather() {
  std::vector<FaultMeans> all;
  for (const auto& group : {database_means(), dns_means(), file_means(), link_means(), load_means(),
                            network_means(), process_means(), queue_means(), redis_means(),
                            resource_means(), syscall_means(), time_means()}) {
    all.insert(all.end(), group.begin(), group.end());
  }
  return all;
}

std::vector<FaultKind> make_kinds() {
  const std::vector<FaultMeans> means = gather();
  std::vector<FaultKind> kinds;
  for (const FaultKindSpec& spec : fault_kind_specs()) {
    const auto found = std::find_if(means.begin(), means.end(), [&](const FaultMeans& row) {
      return std::string_view(row.kind) == spec.name;
    });
    CHECK_BUG(found != means.end());           // a kind without means cannot be built unnoticed
    CHECK_BUG(!traces_of(spec.name).empty());  // nor one that nobody would find or clear
    kinds.push_back({spec, *found});
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
  return written(parse_duration(params.at(name)));
}
std::int64_t FaultRequest::integer(const std::string& name) const {
  return written(parse_integer(params.at(name)));
}
std::int64_t FaultRequest::size(const std::string& name) const {
  return written(parse_size(params.at(name)));
}
double FaultRequest::percent(const std::string& name) const {
  return written(parse_number(params.at(name)));
}

FaultRequest read_request(const FaultKind& kind, std::string id, const nlohmann::json& target,
                          const nlohmann::json& params, Problems& problems) {
  FaultRequest request{.id = std::move(id), .target = {}, .params = {}};
  request.kind = kind.FaultKindSpec::name;
  Fields in_target(target, "target", problems);
  request.target_key = kind.target_key;
  for (const std::string& key : kind.target_keys()) {
    if (in_target.has(key.c_str())) request.target_key = key;
  }
  in_target.need(request.target_key.c_str(), request.target);
  in_target.done();
  request.params = read_fault_params(kind, params, "params", problems);
  return request;
}

nlohmann::json kinds_json(Host& host) {
  Accounts accounts(host);
  accounts.ask_all();
  nlohmann::json kinds = nlohmann::json::array();
  for (const FaultKind& kind : fault_kinds()) {
    const std::string why_not = kind.accounts != nullptr
                                    ? why_no_account(*kind.accounts, kind.kind, accounts)
                                    : kind.why_not(host);
    kinds.push_back(panshi::to_json(kind));
    kinds.back()["possible"] = why_not.empty();
    kinds.back()["why_not"] = why_not;
  }
  return {{"kinds", std::move(kinds)}};
}

}  // namespace panshi::agent
