// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "controller/events/event_data.h"
#include "controller/report/sections.h"

namespace panshi::controller {
namespace {

// What the shop's audit counted before an audit said that itself (`counts`); another has none of
// it.
struct Name {
  const char* name;
  bool must_be_zero;
};
constexpr std::array<Name, 11> kNames = {{{"attempted", false},
                                          {"acknowledged", false},
                                          {"indeterminate", false},
                                          {"ok", false},
                                          {"recovered", false},
                                          {"lost", true},
                                          {"duplicated", true},
                                          {"unexpected", true},
                                          {"oversold", true},
                                          {"undelivered", true},
                                          {"mischarged", true}}};

std::vector<LedgerLine> lines_of(const nlohmann::json& audit) {
  const nlohmann::json& ids = value_of(audit, "ids");
  const nlohmann::json& counts = value_of(audit, "counts");
  std::vector<LedgerLine> lines;
  if (!counts.is_array()) {
    for (const Name& name : kNames) {
      if (!integer_of(audit, name.name)) continue;
      lines.push_back({name.name, integer_of(audit, name.name),
                       name.must_be_zero ? std::optional<std::int64_t>(0) : std::nullopt,
                       texts_of(ids, name.name)});
    }
    return lines;
  }
  for (const nlohmann::json& count : counts) {
    const std::string name = text_of(count, "name");
    lines.push_back({name, integer_of(count, "value"), integer_of(count, "must_be"),
                     texts_of(ids, name.c_str())});
  }
  return lines;
}

}  // namespace

void add_ledger(Report& report) {
  const Event* done = last_event(report, "audit.done");
  if (done == nullptr) return;
  const nlohmann::json& audit = value_of(done->data, "audit");
  Ledger ledger;
  ledger.seq = done->seq;
  ledger.verdict = text_of(done->data, "verdict");
  ledger.why = texts_of(audit, "why");
  ledger.lines = lines_of(audit);
  ledger.not_checked = texts_of(audit, "not_checked");
  const nlohmann::json& conservation = value_of(audit, "conservation");
  const std::optional<bool> holds = flag_of(conservation, "ok");
  ledger.conservation_ok = holds.value_or(!conservation.is_object());
  ledger.conservation = text_of(conservation, "detail");
  if (ledger.conservation.empty() && conservation.is_object()) {
    ledger.conservation = !holds ? "not checked" : *holds ? "holds" : "does not hold";
  }
  report.ledger = std::move(ledger);
}

}  // namespace panshi::controller
