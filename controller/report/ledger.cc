// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "controller/events/event_data.h"
#include "controller/report/sections.h"

namespace panshi::controller {
namespace {

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

}  // namespace

void add_ledger(Report& report) {
  const Event* done = last_event(report, "audit.done");
  if (done == nullptr) return;
  const nlohmann::json& audit = value_of(done->data, "audit");
  Ledger ledger;
  ledger.seq = done->seq;
  ledger.verdict = text_of(done->data, "verdict");
  ledger.why = texts_of(audit, "why");
  for (const Name& name : kNames) {
    ledger.lines.push_back({name.name, integer_of(audit, name.name), name.must_be_zero,
                            texts_of(value_of(audit, "ids"), name.name)});
  }
  const nlohmann::json& conservation = value_of(audit, "conservation");
  const std::optional<bool> holds = flag_of(conservation, "ok");
  ledger.conservation_ok = holds.value_or(false);
  ledger.conservation = text_of(conservation, "detail");
  if (ledger.conservation.empty()) {
    ledger.conservation = !holds ? "not checked" : *holds ? "holds" : "does not hold";
  }
  report.ledger = std::move(ledger);
}

}  // namespace panshi::controller
