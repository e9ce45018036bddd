// SPDX-License-Identifier: Apache-2.0
// The audit as the document that programs read.
#include "platform/ledger/reconcile.h"

namespace panshi::shop {
namespace {

constexpr std::array<std::string_view, kFlawCount> kFlawNames = {
    "lost",     "duplicated", "unexpected",  "oversold",   "undelivered", "mischarged",
    "misgiven", "misplaced",  "misrecorded", "miscounted", "diverged",    "unsettled"};
constexpr std::array<std::string_view, 3> kVerdictNames = {"valid", "invalid", "unknown"};

}  // namespace

std::string_view flaw_name(Flaw flaw) { return kFlawNames[static_cast<std::size_t>(flaw)]; }

nlohmann::json to_json(const LedgerAudit& audit, std::int64_t settled_ms) {
  nlohmann::json conservation = {{"ok", nullptr}, {"detail", audit.conservation_detail}};
  if (audit.conserved) conservation["ok"] = *audit.conserved;
  nlohmann::json json = {{"verdict", kVerdictNames[static_cast<std::size_t>(audit.verdict)]},
                         {"why", audit.why},
                         {"attempted", audit.attempted},
                         {"placed", audit.placed},
                         {"acknowledged", audit.acknowledged},
                         {"indeterminate", audit.indeterminate},
                         {"ok", audit.ok},
                         {"recovered", audit.recovered},
                         {"conservation", std::move(conservation)},
                         {"ids", nlohmann::json::object()},
                         {"not_checked", audit.not_checked},
                         {"log_bytes", audit.log_bytes},
                         {"settled_ms", settled_ms}};
  nlohmann::json& counts = json["counts"] = nlohmann::json::array();
  for (const char* name :
       {"attempted", "placed", "acknowledged", "indeterminate", "ok", "recovered"}) {
    counts.push_back({{"name", name}, {"value", json[name]}});
  }
  for (std::size_t i = 0; i < kFlawCount; ++i) {
    counts.push_back({{"name", kFlawNames[i]}, {"value", audit.flawed[i].count}, {"must_be", 0}});
    json[kFlawNames[i]] = audit.flawed[i].count;
    if (!audit.flawed[i].ids.empty()) json["ids"][kFlawNames[i]] = audit.flawed[i].ids;
  }
  return json;
}

int exit_status_of(Verdict verdict) {
  return verdict == Verdict::kValid ? 0 : verdict == Verdict::kInvalid ? 1 : 2;
}

}  // namespace panshi::shop
